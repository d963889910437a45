/**
 * The codec for personal data: no personal field is ever written in the clear, and every sealed value
 * names its subject, so that reading needs no definition and destroying one key erases one person. What
 * was sealed under a destroyed key reads as `[erased]`.
 *
 * A sealed field is `{"$personal": <subject>, "sealed": <base64 of iv ‖ tag ‖ ciphertext>}`; `sealed` is
 * null where the subject's key had already been destroyed when it was written.
 */
import { QuarterdeckError } from '../errors.ts';
import type { EventData } from './definition.ts';
import type { KeyRing } from './keys.ts';
import { open, seal } from './sealing.ts';

export const erased = '[erased]';

export interface Sealed {
  readonly $personal: string;
  readonly sealed: string | null;
}

export interface FieldsToSeal {
  readonly subject: string;
  /** What the fields belong to (an event type, a command), bound to the ciphertext. */
  readonly context: string;
  readonly fields: readonly string[];
  readonly data: EventData;
}

export interface FieldsToOpen {
  readonly context: string;
  readonly data: EventData;
}

export type Opening = 'now' | 'when-read' | 'never';

export interface Codec {
  /** Seals the named fields of each, in the order given; keys are made for all subjects at once. */
  encryptFields(items: readonly FieldsToSeal[]): Promise<readonly EventData[]>;
  /**
   * Opens every sealed field of each, whatever the definition says now; `when-read`: each when somebody
   * looks at it, which most who fold events never do. What was tampered with is a fault at that moment.
   * `never`: each reads `[erased]`, and no key is asked for.
   */
  decryptFields(items: readonly FieldsToOpen[], opening?: Opening): Promise<readonly EventData[]>;
  encryptText(subject: string, plaintext: string, context: string): Promise<string>;
  /** `[erased]` where the subject's key is gone. */
  decryptText(subject: string, sealed: string, context: string): Promise<string>;
}

export const isSealed = (value: unknown): value is Sealed =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<Sealed>).$personal === 'string' &&
  'sealed' in value;

type Keys = ReadonlyMap<string, Buffer | undefined>;

const sealField = (keys: Keys, item: FieldsToSeal, field: string): Sealed => {
  const key = keys.get(item.subject);
  const plaintext = JSON.stringify(item.data[field]);
  const sealed =
    key === undefined
      ? null
      : seal(key, plaintext, `${item.subject}\n${item.context}.${field}`).toString('base64');
  return { $personal: item.subject, sealed };
};

/** @throws QuarterdeckError `internal`: what was tampered with, or moved, is never taken for something else. */
const openField = (keys: Keys, context: string, field: string, value: Sealed): unknown => {
  const key = keys.get(value.$personal);
  if (key === undefined || value.sealed === null) return erased;
  try {
    const bytes = Buffer.from(value.sealed, 'base64');
    return JSON.parse(
      open(key, bytes, `${value.$personal}\n${context}.${field}`).toString('utf8'),
    ) as unknown;
  } catch (cause) {
    throw new QuarterdeckError(
      'internal',
      `The encrypted field ${context}.${field} is not what was written, or its key is another one.`,
      { cause },
    );
  }
};

const sealFields = (keys: Keys, item: FieldsToSeal): EventData => {
  const data: Record<string, unknown> = { ...item.data };
  for (const field of item.fields) {
    if (data[field] !== undefined && data[field] !== null) data[field] = sealField(keys, item, field);
  }
  return data;
};

/**
 * What one call has opened already: metadata is sealed once for all that somebody does for one reason. By the
 * ciphertext and what it is bound to, and no longer than the call, so that nothing readable outlives its key.
 */
type Opened = Map<string, unknown>;

const openFields = (keys: Keys, item: FieldsToOpen, opened: Opened): EventData => {
  const data: Record<string, unknown> = { ...item.data };
  for (const [field, value] of Object.entries(data)) {
    if (!isSealed(value)) continue;
    const bound = `${value.$personal}\n${item.context}.${field}\n${value.sealed}`;
    if (!opened.has(bound)) opened.set(bound, openField(keys, item.context, field, value));
    data[field] = opened.get(bound);
  }
  return data;
};

const openFieldsWhenRead = (keys: Keys, item: FieldsToOpen): EventData => {
  const data: Record<string, unknown> = { ...item.data };
  for (const field in data) {
    const value = data[field];
    if (!isSealed(value)) continue;
    const get = () => openField(keys, item.context, field, value);
    Object.defineProperty(data, field, { enumerable: true, configurable: true, get });
  }
  return data;
};

const hasPersonal = (item: FieldsToSeal): boolean =>
  item.fields.some((f) => item.data[f] !== undefined && item.data[f] !== null);

const addSubjects = (data: EventData, to: string[]): void => {
  for (const field in data) {
    const value = data[field];
    if (isSealed(value)) to.push(value.$personal);
  }
};

export const createCodec = (keyRing: Pick<KeyRing, 'find' | 'make'>): Codec => ({
  async encryptFields(items) {
    const subjects = items.filter(hasPersonal).map((item) => item.subject);
    if (subjects.length === 0) return items.map((item) => item.data);
    const keys = await keyRing.make(subjects);
    return items.map((item) => (hasPersonal(item) ? sealFields(keys, item) : item.data));
  },
  async decryptFields(items, opening = 'now') {
    const subjects: string[] = [];
    const sealed = items.map(({ data }) => {
      const before = subjects.length;
      addSubjects(data, subjects);
      return subjects.length > before;
    });
    if (subjects.length === 0) return items.map((item) => item.data);
    const keys: Keys = opening === 'never' ? new Map() : await keyRing.find(subjects);
    const before: Opened = new Map();
    const open = (item: FieldsToOpen) =>
      opening === 'now' ? openFields(keys, item, before) : openFieldsWhenRead(keys, item);
    return items.map((item, i) => (sealed[i] === true ? open(item) : item.data));
  },
  async encryptText(subject, plaintext, context) {
    const key = (await keyRing.make([subject])).get(subject);
    return key === undefined ? '' : seal(key, plaintext, `${subject}\n${context}`).toString('base64');
  },
  async decryptText(subject, sealed, context) {
    const key = (await keyRing.find([subject])).get(subject);
    if (key === undefined || sealed === '') return erased;
    return open(key, Buffer.from(sealed, 'base64'), `${subject}\n${context}`).toString('utf8');
  },
});
