/**
 * Ceilings of tools: protection from a tool that runs wild, not a quota. Each tool that has one draws from an
 * allowance that refills evenly up to its burst. Every process has its own; twice a second they tell each other
 * what they let in, so that all together stay at the ceiling, but for what comes in that half second. Costs no
 * write: what is told is a notification, and what is not told because the database is away is forgotten.
 */
import { randomUUID } from 'node:crypto';
import type { Ceiling } from './policy/ceilings.ts';
import type { Clock } from './ports.ts';

export interface Ceilings {
  /** Milliseconds until the tool may ask again; 0: it may now, and that counted. */
  take(tool: string): number;
  /** What this process let in since it was last asked, for the others; undefined where it was nothing. */
  toTell(): string | undefined;
  /** What a process said with `toTell`; one's own is known already. */
  heard(told: string): void;
}

interface Allowance {
  left: number;
  at: number;
}

/** A notification may have 8,000 bytes; the rest is told the next time. */
const toldAtOnceMax = 80;

const burstOf = ({ requestsPerMinute, burst = requestsPerMinute }: Ceiling): number => burst;
const perMs = ({ requestsPerMinute }: Ceiling): number => requestsPerMinute / 60_000;

export const createCeilings = (ceilingOf: (tool: string) => Ceiling | undefined, clock: Clock): Ceilings => {
  const self = randomUUID();
  const allowances = new Map<string, Allowance>();
  const untold = new Map<string, number>();

  /** Filled up to now. Only tools of the policy get here, so the map stays as small as it is. */
  const allowanceOf = (tool: string, ceiling: Ceiling): Allowance => {
    const now = clock().getTime();
    const most = burstOf(ceiling);
    const before = allowances.get(tool) ?? { left: most, at: now };
    const gained = Math.max(0, now - before.at) * perMs(ceiling);
    const allowance = { left: Math.min(most, before.left + gained), at: now };
    allowances.set(tool, allowance);
    return allowance;
  };

  return {
    take: (tool) => {
      const ceiling = ceilingOf(tool);
      if (ceiling === undefined) return 0;
      const allowance = allowanceOf(tool, ceiling);
      if (allowance.left < 1) return Math.ceil((1 - allowance.left) / perMs(ceiling));
      allowance.left--;
      untold.set(tool, (untold.get(tool) ?? 0) + 1);
      return 0;
    },
    toTell: () => {
      if (untold.size === 0) return undefined;
      const taken = [...untold].slice(0, toldAtOnceMax);
      for (const [tool] of taken) untold.delete(tool);
      return JSON.stringify({ by: self, taken });
    },
    heard: (told) => {
      const { by, taken } = JSON.parse(told) as { readonly by: string; readonly taken: [string, number][] };
      if (by === self) return;
      for (const [tool, count] of taken) {
        const ceiling = ceilingOf(tool);
        if (ceiling === undefined) continue;
        const allowance = allowanceOf(tool, ceiling);
        // Never more than a burst in debt: what one process let in too much is not held against the tool for long.
        allowance.left = Math.max(-burstOf(ceiling), allowance.left - count);
      }
    },
  };
};
