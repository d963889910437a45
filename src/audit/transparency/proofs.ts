/**
 * What is answered from the sealed tree: the checkpoint, tiles and entry bundles, and proofs. Everything is of
 * the whole log, so it is for those who reach every row.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Origin } from '../../access/origin.ts';
import { isEveryRow } from '../../access/principal.ts';
import { invalidInput, notPermitted, QuarterdeckError } from '../../errors.ts';
import type { StoredEvent } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import { entryOf } from './entry.ts';
import { hashBytes, planConsistency, planInclusion } from './merkle.ts';
import { writeProofFile } from './proof-file.ts';
import { bundleOf, readTilePath, tileLevelMax, tileWidth, widthOf } from './tiles.ts';
import type { SealedTree, TreeReading } from './tree.ts';

/** An event as it is stored, the entry its leaf is the hash of, and the proof that the leaf is in the tree. */
export interface ProvenEvent {
  readonly position: number;
  readonly entry: string;
  readonly stored: StoredEvent;
  /** A proof file. */
  readonly proof: string;
}

export interface Receipt {
  readonly commandId: string;
  /** The key that signed the checkpoint of the proofs. */
  readonly vkey: string;
  readonly events: readonly ProvenEvent[];
}

export interface Proofs {
  vkey(asked: Origin): Promise<string>;
  /** Every key that has signed this log, newest first. */
  vkeys(asked: Origin): Promise<readonly string[]>;
  checkpoint(asked: Origin): Promise<string>;
  /** `path`: of the tile, as in the address. */
  tile(asked: Origin & { readonly level: string; readonly path: string }): Promise<Buffer>;
  bundle(asked: Origin & { readonly path: string }): Promise<Buffer>;
  /** @throws QuarterdeckError `not_found` beyond the head; `unavailable` while it is not sealed. */
  inclusion(asked: Origin & { readonly position: string }): Promise<string>;
  /** `to`: the newest checkpoint's size unless told. */
  consistency(asked: Origin & { readonly from?: number; readonly to?: number }): Promise<ConsistencyProof>;
  receipt(asked: Origin & { readonly commandId: string }): Promise<Receipt>;
}

export interface ConsistencyProof {
  readonly from: number;
  readonly to: number;
  /** Base64. */
  readonly hashes: readonly string[];
}

interface Deps {
  readonly log: Pick<EventLog, 'head' | 'readStored' | 'positionBefore' | 'onAppended'>;
  readonly tree: TreeReading;
  readonly vkeys: () => Promise<readonly string[]>;
  /** Positions of the events of a command. */
  readonly positionsOf: (commandId: string) => Promise<readonly number[]>;
}

const permission = 'audit:read';
const waitMs = 5_000;
const lookEveryMs = 100;

/** Only whoever may see every event: a tile tells of all of them. */
export const requireWholeLog = ({ principal }: Origin, needed: string = permission): void => {
  const { permissions } = principal;
  if (!permissions.has(needed) || !isEveryRow(permissions.rows(needed))) throw notPermitted(needed);
};

/** @throws QuarterdeckError invalid_input */
export const readPosition = (name: string, text: string): number => {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw invalidInput(name, 'must be a position of the log, from 1');
  return Number(text);
};

/** What was appended a moment ago is sealed in a moment. @throws QuarterdeckError `unavailable` where it is not */
export const sealedUpTo = async (
  tree: Pick<TreeReading, 'latest'>,
  position: number,
): Promise<SealedTree> => {
  const until = performance.now() + waitMs;
  for (;;) {
    const latest = await tree.latest();
    if (latest !== undefined && latest.size >= position) return latest;
    if (performance.now() > until) throw notSealed(`Position ${position} is not sealed yet.`);
    await sleep(lookEveryMs);
  }
};

export const createProofs = ({ log, tree, vkeys, positionsOf }: Deps): Proofs => {
  const sealedTree = async (): Promise<SealedTree> => {
    const latest = await tree.latest();
    if (latest === undefined) throw notSealed('Nothing was sealed yet.');
    return latest;
  };

  const noTile = (): QuarterdeckError => new QuarterdeckError('not_found', 'The log has no such tile.');

  const storedAt = async (after: number, upTo: number): Promise<readonly StoredEvent[]> => {
    const { events } = await log.readStored({ after, upTo, limit: upTo - after });
    return events;
  };

  const proofOf = async (position: number, { size, note }: SealedTree, entry: string): Promise<string> =>
    writeProofFile({
      index: position - 1,
      hashes: await tree.prove(planInclusion(position - 1, size)),
      checkpoint: note,
      extra: Buffer.from(entry),
    });

  const proven = async (position: number, sealed: SealedTree): Promise<ProvenEvent> => {
    const [stored] = await storedAt(position - 1, position);
    if (stored === undefined)
      throw new QuarterdeckError('internal', `Position ${position} of the log is missing.`);
    const entry = entryOf(stored);
    return { position, entry, stored, proof: await proofOf(position, sealed, entry) };
  };

  const newestVkey = async (): Promise<string> => {
    const [newest] = await vkeys();
    if (newest === undefined) throw notSealed('No key has signed the log yet.');
    return newest;
  };

  return {
    async vkey(asked) {
      requireWholeLog(asked);
      return newestVkey();
    },
    async vkeys(asked) {
      requireWholeLog(asked);
      return vkeys();
    },
    async checkpoint(asked) {
      requireWholeLog(asked);
      return (await sealedTree()).note;
    },
    async tile({ level, path, ...asked }) {
      requireWholeLog(asked);
      const wanted = readTilePath(path);
      if (!/^\d$/.test(level) || Number(level) > tileLevelMax || wanted === undefined) throw noTile();
      const id = { level: Number(level), index: wanted.index };
      const { size } = await sealedTree();
      if (wanted.width > widthOf(id, size)) throw noTile();
      const hashes = await tree.tile(id);
      if (hashes === undefined || hashes.length < wanted.width * hashBytes) throw noTile();
      return hashes.subarray(0, wanted.width * hashBytes);
    },
    async bundle({ path, ...asked }) {
      requireWholeLog(asked);
      const wanted = readTilePath(path);
      if (wanted === undefined) throw noTile();
      const { size } = await sealedTree();
      if (wanted.width > widthOf({ level: 0, index: wanted.index }, size)) throw noTile();
      const after = wanted.index * tileWidth;
      return bundleOf((await storedAt(after, after + wanted.width)).map(entryOf));
    },
    async inclusion({ position: text, ...asked }) {
      requireWholeLog(asked);
      const position = readPosition('position', text);
      const { position: head } = await log.head();
      if (position < 1 || position > head)
        throw new QuarterdeckError('not_found', `The log ends at position ${head}.`);
      const { proof } = await proven(position, await sealedUpTo(tree, position));
      return proof;
    },
    async consistency({ from, to, ...asked }) {
      requireWholeLog(asked);
      if (from === undefined) throw invalidInput('from', 'must be the size of an earlier checkpoint');
      const { size } = await sealedTree();
      const newer = to ?? size;
      if (newer > size)
        throw invalidInput('to', `must be ${size}, the size of the newest checkpoint, or less`);
      if (from < 1 || from > newer) throw invalidInput('from', `must be a size from 1 to ${newer}`);
      const hashes = await tree.prove(planConsistency(from, newer));
      return { from, to: newer, hashes: hashes.map((one) => one.toString('base64')) };
    },
    async receipt({ commandId, ...asked }) {
      requireWholeLog(asked, 'audit:export');
      const positions = await positionsOf(commandId);
      const last = positions.at(-1);
      if (last === undefined)
        throw new QuarterdeckError('not_found', `The log holds no event of a command ${commandId}.`);
      const sealed = await sealedUpTo(tree, last);
      const events: ProvenEvent[] = [];
      for (const position of positions) events.push(await proven(position, sealed));
      return { commandId, vkey: await newestVkey(), events };
    },
  };
};

const notSealed = (message: string): QuarterdeckError => new QuarterdeckError('unavailable', message);
