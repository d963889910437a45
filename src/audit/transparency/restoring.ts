/**
 * Going on after an older backup was restored on purpose: the checkpoint that was mirrored outside knows of events that
 * this log does not have, so nothing is sealed until somebody says why. What was mirrored is kept for good, and the log
 * says from then on that it was set back, by how much, and for what reason.
 */
import { QuarterdeckError } from '../../errors.ts';
import type { NewEvent } from '../../events/definition.ts';
import type { Timestamp } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import { LogSetBack } from '../engine-events.ts';
import type { Checking } from './check.ts';
import { openCheckpoint } from './checkpoint.ts';
import { LogFault } from './log-fault.ts';
import type { CheckpointMirror } from './mirror.ts';
import type { Verifier } from './note.ts';
import type { TreeReading } from './tree.ts';

export interface SetBack {
  /** Events that were signed and mirrored, and those that this log has. */
  readonly signed: number;
  readonly head: number;
  /** Where what was mirrored is kept now. */
  readonly keptAs: string;
}

interface Deps {
  readonly log: Pick<EventLog, 'head'>;
  readonly tree: Pick<TreeReading, 'latest'>;
  readonly checking: Pick<Checking, 'goesOnFrom'>;
  readonly mirror: CheckpointMirror | undefined;
  readonly verifiers: () => Promise<readonly Verifier[]>;
  readonly record: (event: NewEvent, reason: string) => Promise<void>;
  readonly clock: () => Timestamp;
}

const refused = (detail: string): QuarterdeckError => new QuarterdeckError('rejected', detail);

/** @throws QuarterdeckError `rejected` where there is nothing to accept, in words of what to do instead. */
export const createRestoring =
  ({ log, tree, checking, mirror, verifiers, record, clock }: Deps) =>
  async (reason: string): Promise<SetBack> => {
    const note = await mirror?.read();
    if (mirror === undefined || note === undefined)
      throw refused('There is no mirrored checkpoint that this log would have to go on from.');
    const kept = openCheckpoint(note, await verifiers());
    const [latest, { position: head }] = await Promise.all([tree.latest(), log.head()]);
    if (kept.size <= head) {
      if ((latest?.size ?? 0) < kept.size)
        throw refused(
          `The log has ${head} events and is not sealed up to ${kept.size}: start the service, which compares them.`,
        );
      try {
        await checking.goesOnFrom(kept);
        throw refused(
          `The log goes on from its mirrored checkpoint of ${kept.size} events: nothing was set back.`,
        );
      } catch (error) {
        if (!(error instanceof LogFault)) throw error;
      }
    }
    const keptAs = await mirror.setAside({ note, size: kept.size, at: clock() });
    await record(
      LogSetBack.of({ signed: kept.size, root: kept.root.toString('base64'), head, keptAs }),
      reason,
    );
    await mirror.goOnFrom(latest);
    return { signed: kept.size, head, keptAs };
  };
