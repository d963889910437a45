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
  /** Subjects of fields that are not readable any more, one entry a field. */
  readonly erased: readonly string[];
}

const isSealed = (value: unknown): value is { readonly $personal: string } =>
  typeof value === 'object' && value !== null && '$personal' in value;

export const shownBeside = (stored: StoredEvent, shown: RecordedEvent): Beside => {
  const gone: string[] = [];
  const envelope = (['position', 'id', 'stream', 'version', 'type', 'recordedAt'] as const).find(
    (name) => stored[name] !== shown[name],
  );
  if (envelope !== undefined) return { differs: envelope, erased: [] };
  // A newer shape has other fields; what they were made from is stored beside.
  const sameShape = stored.schemaVersion === shown.schemaVersion;
  const data = sameShape ? differing(stored.data, shown.data, gone) : undefined;
  const { personal, ...clear } = stored.metadata;
  const { email: _e, name, ip: _i, reason: _r, ...rest } = shown.metadata;
  const metadata = differing(clear, rest as unknown as EventData, gone);
  if (isSealed(personal) && name === erased) gone.push(personal.$personal);
  const differs = data === undefined ? metadata && `metadata.${metadata}` : `data.${data}`;
  return { differs, erased: gone };
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
