/**
 * What units touch, to tell which may not be decided upon by one statement: within it they could not see
 * each other. Two collide where one writes a stream that the other reads or writes with a base, or where
 * they share a claim or a key. `any` writes may share a stream.
 */
import type { Unit } from './unit.ts';

export interface Footprint {
  /** Whether the unit collides with one that was added. */
  collides(unit: Unit): boolean;
  add(unit: Unit): void;
}

const exclusivesOf = (unit: Unit): string[] =>
  [...unit.claims.map((c) => c.key), ...unit.releases, ...unit.keys.map((k) => k.key)].map((key) =>
    key.toString('latin1'),
  );

export const createFootprint = (): Footprint => {
  const written = new Set<string>();
  const conditioned = new Set<string>();
  const exclusive = new Set<string>();
  return {
    collides: (unit) =>
      unit.writes.some((w) => conditioned.has(w.stream) || (w.base !== 'any' && written.has(w.stream))) ||
      unit.reads.some((r) => written.has(r.stream)) ||
      exclusivesOf(unit).some((key) => exclusive.has(key)),
    add(unit) {
      for (const { stream, base } of unit.writes) {
        written.add(stream);
        if (base !== 'any') conditioned.add(stream);
      }
      for (const { stream } of unit.reads) conditioned.add(stream);
      for (const key of exclusivesOf(unit)) exclusive.add(key);
    },
  };
};
