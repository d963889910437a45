/** Puts the verifiable log together: the tree, who seals it, what is proven from it, how it checks itself. */
import type { Db } from '../../db/pool.ts';
import { type ArchivedEvents, noArchive } from '../../events/archived.ts';
import type { NewEvent } from '../../events/definition.ts';
import type { Metadata, Timestamp } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import type { Storage } from '../../storage/storage.ts';
import { createArchivedEvents } from '../archive/archived-events.ts';
import { type Archiving, createArchiving } from '../archive/archiving.ts';
import { createMoving, type Moving } from '../archive/moving.ts';
import { auditStream, LogChecked, LogFaultFound, LogKeyIntroduced } from '../engine-events.ts';
import type { KnownValues } from '../known.ts';
import { createExporting } from '../provable/exporting.ts';
import { createProvableExports, type ProvableExports } from '../provable/exports.ts';
import type { Replayable } from '../replay.ts';
import { type Checked, createChecking } from './check.ts';
import { LogFault } from './log-fault.ts';
import { createCheckpointMirror } from './mirror.ts';
import { signerOf, verifierOf } from './note.ts';
import { positionsOfCommand } from './positions.ts';
import { createProofs, type Proofs, sealedUpTo } from './proofs.ts';
import { createRestoring, type SetBack } from './restoring.ts';
import { createSealer, type SealerPaces, usualPaces } from './sealer.ts';
import { createSealing } from './sealing.ts';
import { insertKey, selectKeys, selectLogId, thinCheckpoints } from './sql/tree.ts';
import { createTreeReading, type TreeReading } from './tree.ts';

export interface SealHealth {
  readonly head: number;
  /** Events in the newest checkpoint. */
  readonly sealed: number;
  readonly signedAt: Timestamp | undefined;
  /** What this process has found wrong with the log. */
  readonly fault: string | undefined;
  readonly mirrorFault: string | undefined;
}

export interface Transparency {
  readonly proofs: Proofs;
  readonly exports: ProvableExports;
  readonly tree: TreeReading;
  readonly origin: string;
  vkeys(): Promise<readonly string[]>;
  health(): Promise<SealHealth>;
  /** Hashes all that is sealed anew and records how that ended. @throws LogFault */
  checkAll(signal: AbortSignal): Promise<Checked>;
  /** Goes on though what was mirrored knows of more: an older backup was restored on purpose, and this is why. */
  acceptRestore(reason: string): Promise<SetBack>;
  /** Writes old partitions of the log to a place of their own. */
  archiving(storage: Storage): Archiving;
  /** Takes them out of the database then, as the owner of its tables. */
  moving(storage: Storage, owner: Db): Moving;
  start(): void;
  stop(): Promise<void>;
}

interface Options {
  readonly pool: Db;
  readonly log: EventLog;
  /** 32 bytes: the Ed25519 key that signs checkpoints. */
  readonly signingKey: Buffer;
  readonly environment: string;
  /** Where checkpoints are kept outside the database. */
  readonly mirror: Storage | undefined;
  /** What reads events whose partition was moved. */
  readonly archived?: ArchivedEvents | undefined;
  /** What states are made of. */
  readonly streams?: readonly Replayable[];
  /** Refuses what no event could have, rather than prove that there is none of it. */
  readonly known: KnownValues;
  readonly leaderUrl: string;
  readonly clock: () => Timestamp;
  readonly newId: () => string;
  readonly onError: (error: unknown, doing: string) => void;
  readonly logLine: (line: string) => void;
  readonly paces?: SealerPaces;
}

interface Identity {
  readonly id: string;
  readonly canonicalFrom: number;
}

const keptForMs = 24 * 60 * 60_000;

export const createTransparency = async (options: Options): Promise<Transparency> => {
  const { pool, log, environment, mirror, clock, newId, onError, archived = noArchive } = options;
  const { rows: identities } = await pool.query<Identity>(selectLogId);
  const { id: logId, canonicalFrom } = identities[0] as Identity;
  const origin = `quarterdeck.internal/${environment}/${logId}`;
  const signer = signerOf(origin, options.signingKey);
  const tree = createTreeReading(pool);

  const vkeys = async (): Promise<readonly string[]> => {
    const { rows } = await pool.query<{ vkey: string }>(selectKeys);
    return rows.map(({ vkey }) => vkey);
  };
  const verifiers = async () => (await vkeys()).map(verifierOf);

  const record = async (event: NewEvent): Promise<void> => {
    await log.record(auditStream, [event], systemMetadata(newId(), clock()));
  };

  const introduceKey = async (): Promise<boolean> => {
    const size = (await tree.latest())?.size ?? 0;
    const { rowCount } = await pool.query({ ...insertKey, values: [signer.vkey, size] });
    if (rowCount !== 1) return false;
    await record(LogKeyIntroduced.of({ vkey: signer.vkey, size }));
    return true;
  };

  const recordChecked = (outcome: Checked | LogFault): Promise<void> =>
    record(
      outcome instanceof LogFault
        ? LogFaultFound.of({ kind: outcome.kind, position: outcome.position })
        : LogChecked.of({ after: outcome.after, upTo: outcome.upTo }),
    );

  const checking = createChecking({ log, tree, verifiers });
  const checkpoints = mirror === undefined ? undefined : createCheckpointMirror(mirror);
  const sealer = createSealer({
    log,
    tree,
    verifiers,
    introduceKey,
    clock,
    onError,
    checking,
    leaderUrl: options.leaderUrl,
    logLine: options.logLine,
    paces: options.paces ?? usualPaces,
    record: recordChecked,
    sealing: createSealing({ pool, log, tree, signer, clock, canonicalFrom }),
    mirror: checkpoints,
    async thin() {
      const before = new Date(Date.parse(clock()) - keptForMs).toISOString();
      await pool.query({ ...thinCheckpoints, values: [before] });
    },
  });

  return {
    origin,
    tree,
    vkeys,
    exports: createProvableExports({ pool, log, tree, archived, clock, newId, known: options.known }),
    proofs: createProofs({ log, tree, vkeys, positionsOf: positionsOfCommand({ pool, log }) }),
    async health() {
      const [latest, { position }] = await Promise.all([tree.latest(), log.head()]);
      return {
        head: position,
        sealed: latest?.size ?? 0,
        signedAt: latest?.signedAt,
        fault: sealer.fault()?.message,
        mirrorFault: sealer.mirrorFault(),
      };
    },
    async checkAll(signal) {
      try {
        const checked = await checking.check(signal);
        await recordChecked(checked);
        return checked;
      } catch (error) {
        if (error instanceof LogFault) await recordChecked(error);
        throw error;
      }
    },
    acceptRestore: createRestoring({
      ...{ log, tree, checking, verifiers, clock, mirror: checkpoints },
      record: async (event, reason) => {
        await log.record(auditStream, [event], { ...systemMetadata(newId(), clock()), reason });
      },
    }),
    archiving: (storage) =>
      createArchiving({
        ...{ pool, log, tree, vkeys, record, clock, storage },
        exporting: createExporting({ pool, log, tree, archived, latest: () => sealedUpTo(tree, 1) }),
      }),
    moving: (storage, owner) =>
      createMoving({
        ...{ pool, owner, log, storage, vkeys, record, streams: options.streams ?? [] },
        archivedEvents: createArchivedEvents({ pool, storage, tree }),
      }),
    start: sealer.start,
    stop: sealer.stop,
  };
};

const systemMetadata = (id: string, decidedAt: Timestamp): Metadata => ({
  actor: { id: 'system', kind: 'system' },
  tool: 'quarterdeck',
  commandId: id,
  correlationId: id,
  decidedAt,
});
