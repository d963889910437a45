/**
 * Compares an event as it reads with its stored form. What was personal is ciphertext there, and nobody
 * without the key can say whether it was opened rightly: of these fields only their being there is compared.
 */
import { isDeepStrictEqual } from 'node:util';
import { erased } from '../../events/codec.ts';
import type { EventData } from '../../events/definition.ts';
import type { RecordedEvent, StoredEvent } from '../../events/envelope.ts';

interface Beside {
  /** What differs, in words. */
  readonly differs: string | undefined;
  /** Its data is shown in a newer shape than it is stored in, so that nobody without the program can compare them. */
  readonly reshaped: boolean;
  /** Subjects of fields that are not readable any more, one entry a field. */
  readonly erased: readonly string[];
}

const isSealed = (value: unknown): value is { readonly $personal: string } =>
  typeof value === 'object' && value !== null && '$personal' in value;

const envelope = ['position', 'id', 'stream', 'version', 'type', 'recordedAt'] as const;
const members = envelope.length + ['schemaVersion', 'data', 'metadata'].length;
/** Of the metadata, what is sealed together. */
const personalNames = ['email', 'name', 'ip', 'reason'] as const;

export const shownBeside = (stored: StoredEvent, shown: RecordedEvent): Beside => {
  const gone: string[] = [];
  const reshaped = shown.schemaVersion > stored.schemaVersion;
  const differs = (): string | undefined => {
    const other = envelope.find((name) => stored[name] !== shown[name]);
    if (other !== undefined) return other;
    if (!reshaped && shown.schemaVersion !== stored.schemaVersion) return 'schemaVersion';
    if (Object.keys(shown).length !== members) return 'what no event has';
    // A newer shape has other fields; what they were made from is stored beside.
    const data = reshaped ? undefined : differing(stored.data, shown.data, gone);
    if (data !== undefined) return `data.${data}`;
    const { personal, ...clear } = stored.metadata;
    const { email, name, ip, reason, ...rest } = shown.metadata;
    const invented = { email, name, ip, reason };
    const metadata = isSealed(personal)
      ? differing(clear, rest as unknown as EventData, gone)
      : (personalNames.find((one) => invented[one] !== undefined) ??
        differing(clear, rest as unknown as EventData, gone));
    if (isSealed(personal) && name === erased) gone.push(personal.$personal);
    return metadata && `metadata.${metadata}`;
  };
  return { differs: differs(), reshaped, erased: gone };
};

const differing = (stored: EventData, shown: EventData, gone: string[]): string | undefined => {
  for (const name of new Set([...Object.keys(stored), ...Object.keys(shown)])) {
    const [one, other] = [stored[name], shown[name]];
    if (isSealed(one)) {
      if (other === erased) gone.push(one.$personal);
      else if (other === undefined) return name;
    } else if (!isDeepStrictEqual(one, other)) return name;
  }
  return undefined;
};
