/**
 * Topic `system`: where the log stands, how far the projections are, what runs. For everybody who is
 * signed in; it holds counts only.
 */
import type { Feed, TopicKind } from './topic.ts';

export interface SystemState {
  readonly head: number;
  /** The position that every projection has reached. */
  readonly projected: number;
  readonly lag: number;
  readonly jobsRunning: number;
  /** As this process is told; null where it was told none. */
  readonly environment?: string | null;
  /** false in a restored copy: reactors, webhooks, effects and schedules are off. */
  readonly reachesOutside?: boolean;
}

export interface SystemPort {
  read(): Promise<SystemState>;
  onChange(listener: () => void): () => void;
}

export const systemTopic = (system: SystemPort): TopicKind => ({
  open: (name) => (name === 'system' ? { view: '', feed: () => systemFeed(system) } : undefined),
  onChange: system.onChange,
});

const systemFeed = (system: SystemPort): Feed => {
  let last = '';
  return {
    snapshot: async () => {
      const data = await system.read();
      return { seq: data.head, data };
    },
    changes: async () => {
      const data = await system.read();
      const text = JSON.stringify(data);
      if (text === last) return undefined;
      last = text;
      return { seq: data.head, data };
    },
  };
};
