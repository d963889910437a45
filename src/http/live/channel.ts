/**
 * One feed and everybody who listens to it. An update is read once and sent to all; who subscribes gets
 * the snapshot first and after it only what came later, so that no update is lost or overtaken.
 */
import { type Pace, paced } from './pace.ts';
import type { Feed, Reading } from './topic.ts';

export interface Update extends Reading {
  readonly topic: string;
}

export interface Subscriber {
  update(update: Update): void;
}

export interface Channel {
  readonly topic: string;
  /** The snapshot; updates follow once `started` was called with it answered. */
  subscribe(subscriber: Subscriber): Promise<Subscription>;
  unsubscribe(subscriber: Subscriber): void;
  readonly empty: boolean;
  refresh(): void;
  close(): void;
}

export interface Subscription {
  readonly snapshot: Reading;
  /** To be called when the snapshot is on its way: what waited behind it follows. */
  started(): void;
}

/** At most ten updates a second. */
const intervalMs = 100;

export const createChannel = (topic: string, feed: Feed, onError: (error: unknown) => void): Channel => {
  /** What a subscriber must not see before its snapshot; undefined once it has that. */
  const subscribers = new Map<Subscriber, Update[] | undefined>();

  const send = (update: Update) => {
    for (const [subscriber, held] of subscribers) {
      if (held === undefined) subscriber.update(update);
      else held.push(update);
    }
  };
  const pace: Pace = paced(intervalMs, async () => {
    try {
      const reading = await feed.changes();
      if (reading !== undefined) send({ topic, ...reading });
    } catch (error) {
      onError(error);
    }
  });
  const subscribe = async (subscriber: Subscriber): Promise<Subscription> => {
    const held: Update[] = [];
    subscribers.set(subscriber, held);
    try {
      const snapshot = await feed.snapshot();
      return {
        snapshot,
        started: () => {
          if (subscribers.get(subscriber) !== held) return;
          subscribers.set(subscriber, undefined);
          for (const update of held) if (update.seq >= snapshot.seq) subscriber.update(update);
        },
      };
    } catch (error) {
      subscribers.delete(subscriber);
      throw error;
    }
  };
  return {
    topic,
    subscribe,
    unsubscribe: (subscriber) => {
      subscribers.delete(subscriber);
    },
    get empty() {
      return subscribers.size === 0;
    },
    refresh: pace.ask,
    close: () => {
      pace.stop();
      feed.close?.();
    },
  };
};
