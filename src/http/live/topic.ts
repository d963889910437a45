/**
 * What a live topic is. A kind of topic opens a feed for a name and a principal; the feed reads its
 * data anew from PostgreSQL each time, so that every process tells the same whatever it was doing
 * before.
 */
import type { Principal } from '../../access/principal.ts';

/** `seq` is a log position: the data is at least as new as that. */
export interface Reading {
  readonly seq: number;
  readonly data: unknown;
}

export interface Feed {
  /** Everything, in the shape of an update's data. */
  snapshot(): Promise<Reading>;
  /** What is new since the last call; undefined where nothing is. */
  changes(): Promise<Reading | undefined>;
  /** Nobody listens any more. */
  close?(): void;
}

export interface Opened {
  /** Principals with the same view read the same data, so that they share one feed. */
  readonly view: string;
  readonly feed: () => Feed;
}

export interface TopicKind {
  /**
   * undefined where the name is not of this kind.
   * @throws QuarterdeckError not_permitted, not_found.
   */
  open(name: string, principal: Principal): Opened | undefined;
  /** Calls back when feeds of this kind may have changed. */
  onChange(listener: () => void): () => void;
}

/** The part of a topic's name behind `prefix/`; undefined for another prefix, or where there is none. */
export const idIn = (name: string, prefix: string): string | undefined =>
  name.startsWith(`${prefix}/`) && name.length > prefix.length + 1
    ? name.slice(prefix.length + 1)
    : undefined;
