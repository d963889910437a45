/**
 * States of streams that this process has commanded lately, so that the next command on one of them need
 * not load it. None is trusted: the version a state has is a condition of the append that was decided on
 * it, so one that another process has made stale costs a conflict and a fresh load, never a wrong decision.
 *
 * A state is used for a minute from its load, however often it evolved since: as long as a process may use
 * the key of personal data that another has destroyed.
 */
import { LRUCache } from 'lru-cache';
import type { Loaded } from '../events/log.ts';

export interface RecentState {
  /** Name of the stream definition that folded it: areas may look at one stream with different eyes. */
  readonly view: string;
  readonly loaded: Loaded<object>;
  /** Of the load that it goes back to, on a clock that only runs forward, milliseconds. */
  readonly since: number;
}

export interface RecentStates {
  /** Taken out: whoever decides on it puts its successor back. */
  take(stream: string): RecentState | undefined;
  put(stream: string, state: RecentState): void;
  clear(): void;
}

const statesMax = 32_768;
const usedForMs = 60_000;

export const createRecentStates = (): RecentStates => {
  const states = new LRUCache<string, RecentState>({ max: statesMax });
  return {
    take(stream) {
      const state = states.get(stream);
      states.delete(stream);
      return state !== undefined && performance.now() - state.since < usedForMs ? state : undefined;
    },
    put: (stream, state) => void states.set(stream, state),
    clear: () => states.clear(),
  };
};
