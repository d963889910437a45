/**
 * What a reconciliation is: rows of a projection beside the product's own, and how to get at those. Both sides
 * are read in order of their keys and merged, so that neither is ever held whole.
 */
export type ProductRow = Readonly<Record<string, unknown>>;

export interface ReconciliationDefinition {
  /** kebab-case. */
  readonly name: string;
  readonly summary: string;
  readonly projection: string;
  /** Fields that both sides have under this name, the key among them; read and compared, and nothing else. */
  readonly fields: readonly string[];
  /** The product's rows in ascending order of the bytes of their keys (`ORDER BY id COLLATE "C"`), some at a time. */
  readonly rows: (signal: AbortSignal) => AsyncIterable<readonly ProductRow[]>;
  /** Those of these keys that the product has: what differed is looked at again before it is told. */
  readonly find: (keys: readonly string[], signal: AbortSignal) => Promise<readonly ProductRow[]>;
  /** Whether the two sides of a field say the same; by default the same JSON. */
  readonly same: (field: string, ours: unknown, theirs: unknown) => boolean;
  readonly everyMinutes: number;
  /** How long what is under way may take to arrive on the other side: after it a difference is one. */
  readonly settleSeconds: number;
}

type Optional = 'same' | 'everyMinutes' | 'settleSeconds';

const sameJson = (_field: string, ours: unknown, theirs: unknown): boolean =>
  JSON.stringify(ours ?? null) === JSON.stringify(theirs ?? null);

/** @throws Error where its name or its times make no sense. */
export const defineReconciliation = (
  options: Omit<ReconciliationDefinition, Optional> & Partial<Pick<ReconciliationDefinition, Optional>>,
): ReconciliationDefinition => {
  const { name, fields, everyMinutes = 60, settleSeconds = 30 } = options;
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 60)
    throw new Error(`reconciliation "${name}" needs a name in kebab-case of at most 60 characters`);
  if (fields.length === 0) throw new Error(`reconciliation ${name} compares no fields`);
  if (!(everyMinutes > 0) || !(settleSeconds >= 0))
    throw new Error(`reconciliation ${name} needs everyMinutes above and settleSeconds from 0 on`);
  return { ...options, everyMinutes, settleSeconds, same: options.same ?? sameJson };
};
