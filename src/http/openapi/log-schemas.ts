/** Schemas of what proves the log. */
import type { JsonSchema } from '../route.ts';
import { arrayOf, object, ref, text, whole } from './schemas.ts';

export const logSchemas: Readonly<Record<string, JsonSchema>> = {
  ConsistencyProof: object({ from: whole, to: whole, hashes: { ...arrayOf(text), description: 'Base64.' } }),
  Receipt: object({
    commandId: text,
    vkey: { ...text, description: 'The key that signed the proofs’ checkpoint.' },
    events: arrayOf(
      object({
        position: whole,
        entry: { ...text, description: 'Canonical JSON; SHA-256 of a zero byte and it is the leaf.' },
        stored: { ...ref('Event'), description: 'As stored: personal fields are ciphertext.' },
        proof: { ...text, description: 'C2SP tlog-proof.' },
      }),
    ),
  }),
};
