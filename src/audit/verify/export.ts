/**
 * Verifies a provable export with nothing but the log's verifier key. Parts are hashed wherever `verifyPart`
 * does it; here they are put together in their order, up to the signed root. Memory is bounded by the parts in
 * hand and by one number a stream.
 */
import { z } from 'zod';
import { type ExportHead, exportFormat } from '../provable/format.ts';
import { type Checkpoint, openCheckpoint } from '../transparency/checkpoint.ts';
import { subtreesOf } from '../transparency/merkle.ts';
import { NoteError, verifierOf } from '../transparency/note.ts';
import { createEventsInCsv } from './csv.ts';
import { createJoining } from './joining.ts';
import { type Headed, headAndBlocks } from './lines.ts';
import type { Asked, PartResult } from './part.ts';
import { unverifiable, type Verdict } from './verdict.ts';
import { parseOnce } from './whole-text.ts';

export interface ExportToVerify {
  readonly source: AsyncIterable<Uint8Array>;
  /** Verifier keys that are trusted. */
  readonly vkeys: readonly string[];
  /** The signed note of a checkpoint that was kept: the log must go on from it. */
  readonly earlier?: string;
  /** The events, where the export is the manifest of a CSV file. */
  readonly csv?: AsyncIterable<Uint8Array>;
}

/** Verifies the parts of one export, as many at a time as it has hands. */
export interface PartVerifier {
  readonly hands: number;
  /** The block is given away with its memory. */
  verify(block: Buffer, asked: Asked): Promise<PartResult>;
}

const base64Hashes = z.array(z.string()).max(64);
const optionalText = z.string().optional();
const optionalTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  .optional();

const headSchema = z.strictObject({
  format: z.literal(exportFormat),
  origin: z.string(),
  filter: z.strictObject({
    stream: optionalText,
    actor: optionalText,
    tool: optionalText,
    type: optionalText,
    command: optionalText,
    correlationId: optionalText,
    from: optionalTime,
    to: optionalTime,
  }),
  after: z.int().nonnegative(),
  upTo: z.int().nonnegative(),
  events: z.enum(['here', 'csv']),
  checkpoint: z.string(),
  before: base64Hashes,
  behind: base64Hashes,
});

export const verifyExport = async (given: ExportToVerify, parts: PartVerifier): Promise<Verdict> =>
  verifyHeaded(await headAndBlocks(given.source), given, parts);

/** An export whose first line was read already. */
export const verifyHeaded = async (
  { head: text, blocks }: Headed,
  { vkeys, earlier, csv }: Omit<ExportToVerify, 'source'>,
  parts: PartVerifier,
): Promise<Verdict> => {
  const head = readHead(text);
  if (head === undefined)
    return unverifiable('this is no export of an audit log, or its first line was cut off.');
  if (head.events === 'csv' && csv === undefined)
    return unverifiable('this is the manifest of a CSV file: give the file too (--events).');
  let checkpoint: Checkpoint;
  let kept: Checkpoint | undefined;
  try {
    const verifiers = vkeys.map(verifierOf);
    checkpoint = openCheckpoint(head.checkpoint, verifiers);
    kept = earlier === undefined ? undefined : openCheckpoint(earlier, verifiers);
  } catch (error) {
    if (error instanceof NoteError) return unverifiable(error.message);
    throw error;
  }
  const wrong = headFault(head, checkpoint, kept);
  if (wrong !== undefined) return unverifiable(wrong, { checkpoint });
  const joining = createJoining(head, checkpoint, kept, csv && createEventsInCsv(csv));
  const asked: Asked = {
    filter: head.filter,
    eventsHere: head.events === 'here',
    ...(kept === undefined ? {} : { cutAt: kept.size }),
  };
  const inHand: Promise<PartResult>[] = [];
  for await (const block of blocks) {
    const part = parts.verify(block, asked);
    // Told when its turn comes, which may be after it failed.
    part.catch(() => undefined);
    inHand.push(part);
    if (inHand.length > parts.hands + 1) await joining.join(await (inHand.shift() as Promise<PartResult>));
    if (joining.hopeless()) break;
  }
  for (const part of inHand) await joining.join(await part);
  return joining.end();
};

const readHead = (text: string): ExportHead | undefined => {
  try {
    return headSchema.parse(parseOnce(text)) as ExportHead;
  } catch {
    return undefined;
  }
};

/** What makes it useless to go on. */
const headFault = (
  head: ExportHead,
  { origin, size }: Checkpoint,
  kept: Checkpoint | undefined,
): string | undefined => {
  if (origin !== head.origin)
    return `its checkpoint is of ${origin}, and it says that it is of ${head.origin}.`;
  if (head.after > head.upTo || head.upTo > size)
    return `its range goes to ${head.upTo}, and the signed checkpoint to ${size}.`;
  if (
    head.before.length !== subtreesOf(0, head.after).length ||
    head.behind.length !== subtreesOf(head.upTo, size).length
  )
    return 'the hashes around its range are not those of a tree of that size.';
  if (kept === undefined) return undefined;
  if (kept.origin !== origin) return `the earlier checkpoint is of another log, ${kept.origin}.`;
  if (kept.size < head.after && kept.size > 0)
    return `the earlier checkpoint has ${kept.size} events, and the export begins behind ${head.after}: make one that begins at position ${kept.size} or before.`;
  return undefined;
};
