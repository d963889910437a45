/**
 * Keeps the tree up with the log: one process at a time seals a moment after something was appended, mirrors
 * what it signed, and looks at the whole log once a day. A fault in the log stops the sealing and is told: to
 * sign on top of it would make it look right.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { whileLeading } from '../../db/leader.ts';
import type { Timestamp } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import { createWake } from '../../events/wake.ts';
import type { Checking } from './check.ts';
import { openCheckpoint } from './checkpoint.ts';
import { LogFault } from './log-fault.ts';
import type { CheckpointMirror } from './mirror.ts';
import { NoteError, type Verifier } from './note.ts';
import type { Sealing } from './sealing.ts';
import type { TreeReading } from './tree.ts';

/** One checkpoint for what was appended in this time; readers of proofs wait no longer than about that. */
const sealEveryMs = 200;
const idleMs = 1_000;
const retryMs = 1_000;
const mirrorEveryMs = 5_000;
const thinEveryMs = 60 * 60_000;

export interface SealerPaces {
  /** Events that are looked at before the first sealing of a process. */
  readonly checkedAtStart: number;
  readonly checkEveryMs: number;
  /** After a fault was found in the log. */
  readonly faultRetryMs: number;
}

export const usualPaces: SealerPaces = {
  checkedAtStart: 10_000,
  checkEveryMs: 24 * 60 * 60_000,
  faultRetryMs: 30_000,
};

export interface SealerOptions {
  readonly log: Pick<EventLog, 'onAppended'>;
  readonly tree: TreeReading;
  readonly sealing: Sealing;
  readonly checking: Checking;
  /** undefined: checkpoints are kept in the database alone. */
  readonly mirror: CheckpointMirror | undefined;
  readonly verifiers: () => Promise<readonly Verifier[]>;
  /** Makes the key of this process known; whether it was new. */
  readonly introduceKey: () => Promise<boolean>;
  readonly thin: () => Promise<void>;
  readonly record: (outcome: { readonly upTo: number; readonly after: number } | LogFault) => Promise<void>;
  readonly leaderUrl: string;
  readonly clock: () => Timestamp;
  readonly onError: (error: unknown, doing: string) => void;
  readonly logLine: (line: string) => void;
  readonly paces: SealerPaces;
}

export interface Sealer {
  readonly leading: boolean;
  /** What is wrong with the log, as far as this process has seen. */
  readonly fault: () => LogFault | undefined;
  /** Why what was signed is not mirrored. */
  readonly mirrorFault: () => string | undefined;
  start(): void;
  /** Resolves when what was appended before is sealed and mirrored, and the lock given up. */
  stop(): Promise<void>;
}

export const createSealer = (options: SealerOptions): Sealer => {
  const { log, tree, sealing, checking, mirror, verifiers, leaderUrl, onError, logLine, paces } = options;
  const wake = createWake();
  let fault: LogFault | undefined;
  let mirrorFault: string | undefined;
  let mirroredSize = -1;
  let mirroredAt = Number.NEGATIVE_INFINITY;

  const keep = async (now: boolean): Promise<void> => {
    if (mirror === undefined || (!now && performance.now() - mirroredAt < mirrorEveryMs)) return;
    const latest = await tree.latest();
    if (latest === undefined || latest.size === mirroredSize) return;
    mirroredAt = performance.now();
    try {
      await mirror.keep(latest);
      mirroredSize = latest.size;
      mirrorFault = undefined;
    } catch (error) {
      mirrorFault = 'What was signed cannot be written to QUARTERDECK_LOG_MIRROR.';
      onError(error, 'mirroring a checkpoint');
    }
  };

  /** What was kept outside is believed before what the database says of itself. */
  const compareWithMirror = async (signal: AbortSignal): Promise<void> => {
    const note = await mirror?.read();
    if (note === undefined) return;
    try {
      const kept = openCheckpoint(note, await verifiers());
      const sealed = (await tree.latest())?.size ?? 0;
      // It may be ahead of a tree that was lost or restored, while the events are all there.
      if (kept.size > sealed) await sealing.seal(signal, kept.size);
      await checking.goesOnFrom(kept);
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      logLine(`The mirrored checkpoint is not of this log, and is replaced: ${error.message}`);
    }
  };

  const begin = async (signal: AbortSignal): Promise<void> => {
    const isNew = await options.introduceKey();
    await compareWithMirror(signal);
    // Where something was found, all of it has to be well again: it may lie before what is looked at otherwise.
    await checking.check(signal, fault === undefined ? paces.checkedAtStart : undefined);
    if (isNew && (await tree.latest()) !== undefined) await sealing.signAgain();
  };

  const lead = async (signal: AbortSignal): Promise<void> => {
    await begin(signal);
    let checkedAt = performance.now();
    let thinnedAt = Number.NEGATIVE_INFINITY;
    fault = undefined;
    while (!signal.aborted) {
      const begun = performance.now();
      await sealing.seal(signal);
      await keep(false);
      if (begun - thinnedAt > thinEveryMs) {
        thinnedAt = begun;
        await options.thin();
      }
      if (begun - checkedAt > paces.checkEveryMs) {
        checkedAt = begun;
        await options.record(await checking.check(signal));
      }
      await pause(begun + sealEveryMs - performance.now(), signal);
      if (!signal.aborted) await wake.sleep(idleMs);
    }
    await sealing.seal(new AbortController().signal);
    await keep(true);
  };

  const found = async (seen: LogFault): Promise<void> => {
    const isNew = fault?.kind !== seen.kind || fault.position !== seen.position;
    fault = seen;
    if (!isNew) return;
    onError(seen, 'checking the log');
    await options.record(seen);
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    signal.addEventListener('abort', wake.call);
    while (!signal.aborted) {
      try {
        await lead(signal);
      } catch (error) {
        if (error instanceof LogFault)
          await found(error).catch((again: unknown) => onError(again, 'recording a fault'));
        else onError(error, 'sealing the log');
        await pause(error instanceof LogFault ? paces.faultRetryMs : retryMs, signal);
      }
    }
  };

  const led = whileLeading({ url: leaderUrl, key: 'sealer', log: logLine, run });
  let unsubscribe: (() => void) | undefined;
  return {
    get leading() {
      return led.leading;
    },
    fault: () => fault,
    mirrorFault: () => mirrorFault,
    start() {
      unsubscribe = log.onAppended(wake.call);
      led.start();
    },
    async stop() {
      unsubscribe?.();
      await led.stop();
    },
  };
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  ms < 1 ? Promise.resolve() : sleep(ms, undefined, { signal }).catch(() => undefined);
