/**
 * Keeps headroom for people. While any give commands, rounds of bulk work are small and go one at a time: what
 * a command waits for is the round that has the thread and the append lock, and three rounds that overlap.
 *
 * More than that, bulk work yields while interactive commands take longer than their budget, or
 * read models lag behind by more than theirs. Both are looked at four times a second. While one is over,
 * rounds of this process go one at a time with a pause before each that doubles; when all is well again the
 * pause shrinks until there is none. Commands that are as slow while bulk work rests have another cause: then
 * they count as slow only where they get slower still, until that is looked at anew.
 *
 * Commands are timed where they are executed; a process whose commands are slow tells the others by NOTIFY,
 * because the workers that cause it may be theirs. What was heard holds for a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../db/pool.ts';
import type { OnError } from './ports.ts';
import { notifyPressure } from './sql/headroom.ts';

/** PostgreSQL notification channel: interactive commands are slow somewhere. */
export const headroomChannel = 'quarterdeck_headroom';

export interface Headroom {
  /** An interactive command of this process took so long. */
  took(ms: number): void;
  /** A notification of `headroomChannel`. */
  heard(payload: string): void;
  /** Before each round of bulk work: resolves at once where nothing is to be waited for. */
  turn(): Promise<void>;
  /** Whether people gave commands in the last second, here or where they were slow: rounds are to be small. */
  besidePeople(): boolean;
  /** Runs a round; beside people after the one before it has ended, else at once. */
  inLine<T>(round: () => Promise<T>): Promise<T>;
  standing(): HeadroomStanding;
  stop(): void;
}

export interface HeadroomStanding {
  readonly yielding: boolean;
  /** 95 in 100 commands of the last second were faster; undefined where there were too few to tell. */
  readonly commandP95Ms: number | undefined;
  /** Seconds that rounds of this process have waited. */
  readonly yieldedSeconds: number;
}

export interface HeadroomOptions {
  readonly pool: Db;
  readonly onError: OnError;
  /** Tells this process from others in notifications. */
  readonly processId: string;
  /** Of the 95th percentile of interactive commands, milliseconds; 0: they never make bulk work yield. */
  readonly latencyBudgetMs: number;
  /** Of the read models, milliseconds; 0: they never do. */
  readonly lagBudgetMs: number;
  /** How far the last of the read models is behind, milliseconds. */
  readonly lagMs: () => Promise<number>;
}

const lookEveryMs = 250;
const windowMs = 1_000;
const samplesMin = 5;
const samplesMax = 2_000;
const heardForMs = 1_000;
/** Work is there while rounds ask for their turn; without it nobody asks the database how far read models are. */
const workingForMs = 2_000;
const pauseMsMin = 10;
const pauseMsMax = 500;
/** Below this part of the budget the pause shrinks; between, it stays. */
const wellBelow = 0.8;
/** So many looks at the longest pause show how slow commands are without bulk work. */
const restingLooks = 5;
/** What was seen then allows for half as much again; after half a minute it counts half. */
const restingMargin = 1.5;
const restingKept = 0.994;

/** For a process without interactive commands and read models. */
export const alwaysRoom: Headroom = {
  took: () => undefined,
  heard: () => undefined,
  turn: async () => undefined,
  besidePeople: () => false,
  inLine: (round) => round(),
  standing: () => ({ yielding: false, commandP95Ms: undefined, yieldedSeconds: 0 }),
  stop: () => undefined,
};

interface Sample {
  readonly at: number;
  readonly ms: number;
}

export const createHeadroom = (options: HeadroomOptions): Headroom => {
  const { pool, onError, processId, latencyBudgetMs, lagBudgetMs } = options;
  let samples: Sample[] = [];
  let pauseMs = 0;
  let yieldedMs = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  let told = { at: Number.NEGATIVE_INFINITY, pressure: 0 };
  let looking = false;
  let resting = { looks: 0, p95Ms: 0 };
  let line: Promise<unknown> = Promise.resolve();
  let rounds: Promise<unknown> = Promise.resolve();

  const hears = (now: number): boolean => now - told.at < heardForMs;

  const besidePeople = (): boolean => {
    const now = performance.now();
    const last = samples.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
    return latencyBudgetMs > 0 && (now - last < windowMs || hears(now));
  };

  const p95 = (now: number): number | undefined => {
    samples = samples.filter(({ at }) => at > now - windowMs);
    if (samples.length < samplesMin) return undefined;
    const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.95) - 1];
  };

  const ownPressure = (now: number): number => {
    if (latencyBudgetMs === 0) return 0;
    const ms = p95(now) ?? 0;
    const rests = pauseMs === pauseMsMax && ms > latencyBudgetMs;
    const looks = rests ? resting.looks + 1 : 0;
    resting = { looks, p95Ms: looks > restingLooks ? ms : resting.p95Ms * restingKept };
    return ms / Math.max(latencyBudgetMs, resting.p95Ms * restingMargin);
  };

  const lagPressure = async (now: number): Promise<number> =>
    lagBudgetMs === 0 || now - askedAt > workingForMs ? 0 : (await options.lagMs()) / lagBudgetMs;

  const look = async (): Promise<void> => {
    const now = performance.now();
    const own = ownPressure(now);
    if (own > 1) await pool.query({ ...notifyPressure, values: [headroomChannel, `${processId} ${own}`] });
    const heard = hears(now) ? told.pressure : 0;
    const pressure = Math.max(own, heard, await lagPressure(now));
    if (pressure > 1) pauseMs = Math.min(pauseMsMax, Math.max(pauseMsMin, pauseMs * 2));
    else if (pressure < wellBelow) pauseMs = pauseMs / 2 < pauseMsMin ? 0 : pauseMs / 2;
  };

  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => onError(error, 'looking after the headroom of interactive commands'))
      .finally(() => {
        looking = false;
      });
  }, lookEveryMs);
  timer.unref();

  return {
    took(ms) {
      if (samples.length < samplesMax) samples.push({ at: performance.now(), ms });
    },
    heard(payload) {
      const [who, pressure] = payload.split(' ');
      if (who !== processId) told = { at: performance.now(), pressure: Number(pressure) || 0 };
    },
    async turn() {
      askedAt = performance.now();
      if (pauseMs === 0) return;
      // In line: of all rounds of the process one begins at a time.
      line = line.then(() => sleep(pauseMs));
      await line;
      yieldedMs += performance.now() - askedAt;
    },
    besidePeople,
    inLine(round) {
      if (!besidePeople()) return round();
      const own = rounds.then(round);
      rounds = own.catch(() => undefined);
      return own;
    },
    standing: () => ({
      yielding: pauseMs > 0,
      commandP95Ms: p95(performance.now()),
      yieldedSeconds: yieldedMs / 1_000,
    }),
    stop: () => clearInterval(timer),
  };
};
