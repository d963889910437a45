/** Verifies receipts of commands and single proof files: that events, as they stand there, are in the log. */
import { z } from 'zod';
import type { StoredEvent } from '../../events/envelope.ts';
import { csvColumns } from '../provable/format.ts';
import { openCheckpoint } from '../transparency/checkpoint.ts';
import { entryOf } from '../transparency/entry.ts';
import { leafHash, provesInclusion } from '../transparency/merkle.ts';
import { NoteError, verifierOf } from '../transparency/note.ts';
import { readProofFile } from '../transparency/proof-file.ts';
import type { Receipt } from '../transparency/proofs.ts';
import type { Fault } from './part.ts';
import { nothingVerified, unverifiable, type Verdict } from './verdict.ts';
import { parseOnce } from './whole-text.ts';

const receiptSchema = z.strictObject({
  commandId: z.string(),
  vkey: z.string(),
  events: z
    .array(
      z.strictObject({
        position: z.int().positive(),
        entry: z.string(),
        stored: z.looseObject({}),
        proof: z.string(),
      }),
    )
    .min(1),
});

/** undefined: it is none. */
export const readReceipt = (text: string): Receipt | undefined => {
  try {
    const read = parseOnce(text);
    receiptSchema.parse(read);
    // As it was read: what the schema makes of it leaves out a member named __proto__.
    return read as Receipt;
  } catch {
    return undefined;
  }
};

const sizeAndFault = (
  proof: string,
  vkeys: readonly string[],
  proven: { readonly position?: number; readonly entry?: string },
) => {
  const file = readProofFile(proof);
  const checkpoint = openCheckpoint(file.checkpoint, vkeys.map(verifierOf));
  const position = file.index + 1;
  const entry = proven.entry ?? file.extra?.toString('utf8');
  if (entry === undefined) throw new NoteError('The proof holds no entry to prove.');
  const isThere =
    (proven.position ?? position) === position &&
    provesInclusion({ leaf: leafHash(entry), index: file.index, ...checkpoint }, file.hashes);
  const fault: Fault | undefined = isThere
    ? undefined
    : { kind: 'altered', position, message: `The entry is not the one at position ${position} of the log.` };
  return { checkpoint, position, fault };
};

/** What is verified is `extra`: the entry. */
export const verifyProof = (proof: string, vkeys: readonly string[]): Verdict => {
  try {
    const { checkpoint, position, fault } = sizeAndFault(proof, vkeys, {});
    return {
      ...nothingVerified,
      checkpoint,
      intact: fault === undefined,
      faults: fault === undefined ? [] : [fault],
      faultsInAll: fault === undefined ? 0 : 1,
      range: { after: position - 1, upTo: position },
      entries: 1,
    };
  } catch (error) {
    if (error instanceof NoteError) return unverifiable(error.message);
    throw error;
  }
};

export const verifyReceipt = ({ commandId, vkey, events }: Receipt, vkeys: readonly string[]): Verdict => {
  if (!vkeys.includes(vkey)) return unverifiable('it names a key that is not among those given.');
  const faults: Fault[] = [];
  let checkpoint: Verdict['checkpoint'];
  try {
    for (const { position, entry, stored, proof } of events) {
      const found = sizeAndFault(proof, vkeys, { position, entry });
      checkpoint = found.checkpoint;
      if (found.fault !== undefined) faults.push(found.fault);
      else if (!isOf(stored, commandId, entry))
        faults.push({
          kind: 'altered',
          position,
          message: `The event shown for position ${position} is not the one that was sealed.`,
        });
    }
  } catch (error) {
    if (error instanceof NoteError) return unverifiable(error.message);
    throw error;
  }
  const positions = events.map(({ position }) => position);
  positions.forEach((position, n) => {
    if (position > (positions[n - 1] ?? 0)) return;
    faults.push({ kind: 'stray', position, message: `Position ${position} stands twice or out of order.` });
  });
  return {
    ...nothingVerified,
    checkpoint,
    faults,
    intact: faults.length === 0,
    faultsInAll: faults.length,
    range: { after: Math.min(...positions) - 1, upTo: Math.max(...positions) },
    events: events.length,
    notes: [
      `That these are all events of the command cannot be told from a receipt; an export that is filtered by it tells.`,
    ],
  };
};

const isOf = (stored: StoredEvent, commandId: string, entry: string): boolean => {
  try {
    return (
      Object.keys(stored).length === csvColumns.length &&
      entryOf(stored) === entry &&
      stored.metadata.commandId === commandId
    );
  } catch {
    return false;
  }
};
