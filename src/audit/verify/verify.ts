/**
 * `quarterdeck verify`: takes whatever the audit hands out (a provable export, the manifest of one with its
 * CSV, a receipt, a proof file) and says whether it is as the log signed it. Needs no database.
 */

import { type ExportToVerify, type PartVerifier, verifyHeaded } from './export.ts';
import { headAndBlocks, LineTooLong } from './lines.ts';
import { readReceipt, verifyProof, verifyReceipt } from './receipt.ts';
import { unverifiable, type Verdict } from './verdict.ts';

/** Receipts and proofs are read whole; longer ones are none. */
const wholeBytesMax = 64 * 1_048_576;

export const verify = async (given: ExportToVerify, parts: PartVerifier): Promise<Verdict> => {
  try {
    return await verifyWhatItIs(given, parts);
  } catch (error) {
    if (error instanceof LineTooLong) return unverifiable('a line of it is longer than any event.');
    throw error;
  }
};

const verifyWhatItIs = async (given: ExportToVerify, parts: PartVerifier): Promise<Verdict> => {
  const headed = await headAndBlocks(given.source);
  const { head, blocks } = headed;
  if (head.startsWith('{"format":')) return verifyHeaded(headed, given, parts);
  const text = await wholeOf(head, blocks);
  if (text.startsWith('c2sp.org/tlog-proof')) return verifyProof(text, given.vkeys);
  const receipt = readReceipt(text);
  if (receipt !== undefined) return verifyReceipt(receipt, given.vkeys);
  return unverifiable(
    'this is neither an export of an audit log nor a receipt nor a proof, or its first line was altered.',
  );
};

const wholeOf = async (head: string, blocks: AsyncIterable<Buffer>): Promise<string> => {
  const parts: Buffer[] = [Buffer.from(`${head}\n`)];
  let bytes = 0;
  for await (const block of blocks) {
    bytes += block.length;
    if (bytes > wholeBytesMax) break;
    parts.push(block);
  }
  return Buffer.concat(parts).toString('utf8');
};
