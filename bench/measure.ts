/**
 * Measuring in rounds. Sides that are compared take turns (A B A B …), so that what else the machine does
 * hits all of them; figures are medians of the rounds. CPU time per operation is kept beside every rate,
 * because it says what bounds a figure and hardly changes with the machine's other load.
 */

/** What a process answers after one round. */
export interface Loaded {
  readonly operations: number;
  readonly seconds: number;
  /** CPU time of the process that was measured, microseconds. */
  readonly cpuMicros: number;
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly p99Ms?: number;
  /** Operations that ended otherwise than they should. */
  readonly failed?: number;
}

export interface Round {
  readonly perSecond: number;
  /** Of the measured process, per operation. */
  readonly nodeCpuMicros: number | undefined;
  /** Of all of PostgreSQL, per operation. */
  readonly postgresCpuMicros: number | undefined;
  readonly p50Ms?: number | undefined;
  readonly p95Ms?: number | undefined;
  readonly p99Ms?: number | undefined;
  readonly failed?: number | undefined;
}

export interface Side {
  readonly name: string;
  readonly run: () => Promise<Loaded>;
}

export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly rounds: readonly Round[];
}

/** A figure of the result, with the least (or most) that it should be, where there is such a thing. */
export interface Claim {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Outcome {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly series: readonly Series[];
  readonly claims: readonly Claim[];
}

export const isMet = ({ value, atLeast, atMost }: Claim): boolean | undefined => {
  if (atLeast !== undefined) return value >= atLeast;
  return atMost === undefined ? undefined : value <= atMost;
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

export const rateOf = (series: readonly Series[], name: string): number =>
  median(series.find((one) => one.name === name)?.rounds.map(({ perSecond }) => perSecond) ?? []);

const perOperation = (micros: number | undefined, operations: number): number | undefined =>
  micros === undefined || operations === 0 ? undefined : micros / operations;

type CpuClock = () => Promise<number | undefined>;

const oneRound = async ({ run }: Side, postgresCpu: CpuClock): Promise<Round> => {
  const before = await postgresCpu();
  const { operations, seconds, cpuMicros, ...more } = await run();
  const after = await postgresCpu();
  const postgres = before === undefined || after === undefined ? undefined : after - before;
  return {
    perSecond: operations / seconds,
    nodeCpuMicros: cpuMicros === 0 ? undefined : perOperation(cpuMicros, operations),
    postgresCpuMicros: perOperation(postgres, operations),
    ...more,
  };
};

interface Interleaving {
  readonly rounds: number;
  readonly postgresCpu: CpuClock;
  readonly unit?: string;
  /** Rounds of each side before those that count. */
  readonly warmups?: number;
  readonly say?: (line: string) => void;
}

/** Runs the sides in turn, all of them once a round. */
export const interleave = async (
  sides: readonly Side[],
  { rounds, postgresCpu, unit = 'operations/s', warmups = 1, say }: Interleaving,
): Promise<readonly Series[]> => {
  const kept = new Map<string, Round[]>(sides.map(({ name }) => [name, []]));
  for (let n = -warmups; n < rounds; n++) {
    for (const side of sides) {
      const round = await oneRound(side, postgresCpu);
      say?.(`${n < 0 ? 'warm-up' : `round ${n + 1}`}: ${side.name} ${Math.round(round.perSecond)} ${unit}`);
      if (n >= 0) kept.get(side.name)?.push(round);
    }
  }
  return sides.map(({ name }) => ({ name, unit, rounds: kept.get(name) ?? [] }));
};
