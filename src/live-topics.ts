/** Which live topics there are, and what each is told by. Between the engine and its HTTP face. */
import type { Engine } from './engine.ts';
import { bulkTopics, exportTopics } from './http/live/bulk-topics.ts';
import { createLive, type Live } from './http/live/live.ts';
import { logTopic } from './http/live/log-topic.ts';
import { rowTopics } from './http/live/row-topics.ts';
import { systemTopic } from './http/live/system-topic.ts';
import { systemState } from './standing.ts';

export const createLiveOf = (engine: Engine, onError: (error: unknown, doing: string) => void): Live => {
  const { access, bulk, exports, log, readSide, projections } = engine;
  const { onProjected } = readSide.progress;
  return createLive({
    gate: access.gate,
    isToolOrigin: access.isToolOrigin,
    kinds: [
      bulkTopics({ bulk, log }),
      exportTopics({ exports, log }),
      rowTopics({ queries: readSide.queries, log, onProjected }, projections),
      systemTopic({
        read: () => systemState(engine),
        onChange: (listener) => both(log.onAppended(listener), onProjected(listener)),
      }),
      logTopic({ log, reached: readSide.reached }),
    ],
    onError: (error) => onError(error, 'live updates'),
  });
};

const both = (a: () => void, b: () => void) => (): void => {
  a();
  b();
};
