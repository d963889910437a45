/**
 * Rounds of chance that can be repeated: QUARTERDECK_CHAOS_SEED (printed) decides the moments,
 * QUARTERDECK_CHAOS_ROUNDS how many rounds have to count. A round in which the fault came too late to
 * hurt does not count and is followed by another.
 */
export const seed = Number(process.env.QUARTERDECK_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
export const wanted = Number(process.env.QUARTERDECK_CHAOS_ROUNDS ?? 3);

/** For a test of rounds, and what is made ready for them. */
export const longMs = 20 * 60_000 + wanted * 60_000;

export const say = (line: string): void => {
  process.stdout.write(`    ${line}\n`);
};

/** mulberry32, by Tommy Ettinger (public domain): from 0 to below 1. */
export const chance = (start: number): (() => number) => {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

export interface Moment {
  readonly round: number;
  /** Between 0 and 1. */
  readonly fraction: number;
}

/** `round` answers how many items were outstanding when its fault came. */
export const playRounds = async (
  what: string,
  round: (moment: Moment) => Promise<{ readonly outstanding: number; readonly told: string }>,
): Promise<void> => {
  const random = chance(seed);
  say(`${what}: QUARTERDECK_CHAOS_SEED=${seed}, ${wanted} rounds`);
  for (let number = 0, counted = 0; counted < wanted; number++) {
    if (number === wanted * 10) throw new Error(`Of ${number} rounds only ${counted} hurt anything.`);
    const { outstanding, told } = await round({ round: number, fraction: random() });
    if (outstanding > 0) counted++;
    say(`${outstanding > 0 ? `round ${counted}` : 'does not count'}: ${told}, ${outstanding} outstanding`);
  }
};
