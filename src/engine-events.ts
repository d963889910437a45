/** Every event that the engine itself appends, on its reserved streams. */
import { accessEvents } from './access/engine-events.ts';
import { auditEvents } from './audit/engine-events.ts';
import { commandEngineEvents } from './commands/engine-events.ts';
import type { EventDefinition } from './events/definition.ts';
import { fanOutEvents } from './fan-out.ts';
import { presenceEvents } from './presence.ts';
import { queryEvents } from './queries/engine-events.ts';
import { exportEvents } from './workers/exports/engine-events.ts';
import { bulkEvents } from './workers/index.ts';

/** Lists of definitions lose their types of data; each definition keeps its own. */
export const engineEvents = [
  ...commandEngineEvents,
  ...accessEvents,
  ...queryEvents,
  ...bulkEvents,
  ...exportEvents,
  ...fanOutEvents,
  ...auditEvents,
  ...presenceEvents,
] as unknown as readonly EventDefinition[];
