/**
 * Exports, put together: accepting, looking and downloading in every process that serves the API; relay, worker
 * and housekeeping in those that call `start`.
 */

import type { Codec } from '../../events/codec.ts';
import { alwaysRoom } from '../headroom.ts';
import { createProgress } from '../progress.ts';
import { createQueues } from '../queues.ts';
import { createExportAccepting } from './accepting.ts';
import { createEndings } from './endings.ts';
import { createHousekeeping } from './housekeeping.ts';
import { createLooking } from './looking.ts';
import type { ExportParts } from './parts.ts';
import { createExportStore, viewOfExport } from './record.ts';
import { type Export, type Exports, exportsChannel } from './request.ts';
import { createExportWorker, type ExportDelivery } from './writing.ts';

export { exportEvents } from './engine-events.ts';
export * from './request.ts';

export interface ExportsOptions extends Omit<ExportParts, 'store' | 'progress' | 'headroom' | 'keepHours'> {
  readonly codec: Codec;
  readonly headroom?: ExportParts['headroom'];
  /** Hours for which a file is kept; 72 unless told. */
  readonly keepHours?: number | undefined;
  readonly redisUrl: string | undefined;
  /** Where queues live without Redis: a direct connection, not a pooler's. */
  readonly queueDatabaseUrl: string;
}

const keepHoursUsual = 72;
/** Two at a time, so that a small one does not wait for a large one. */
const concurrency = 2;

export const createExports = (options: ExportsOptions): Exports => {
  const { pool, codec, onError, redisUrl, queueDatabaseUrl: databaseUrl, keepHours } = options;
  const store = createExportStore(pool, codec);
  const progress = createProgress<Export>({
    pool,
    onError,
    channel: exportsChannel,
    // Who hears of it asks anew, and is shown what they may see.
    find: async (ids) =>
      (await store.find(ids)).map((one) => viewOfExport(one, { words: false, content: false })),
  });
  const parts: ExportParts = {
    headroom: alwaysRoom,
    ...options,
    store,
    progress,
    keepHours: keepHours ?? keepHoursUsual,
  };
  const endings = createEndings(parts);
  const worker = createExportWorker(parts, endings);
  const queues = createQueues<ExportDelivery>({
    queue: 'exports',
    redisUrl,
    databaseUrl,
    concurrency,
    onError,
  });
  const idleMs = (): number => (worker.inHand() > 0 ? 0 : Date.now() - worker.lastActiveAt());
  const housekeeping = createHousekeeping(parts, endings, { queues, idleMs });
  let started = false;

  return {
    accept: createExportAccepting(parts),
    ...createLooking(parts, endings),
    withdraw: housekeeping.withdraw,
    onProgress: progress.onProgress,
    heard: progress.heard,
    async start() {
      if (started) return;
      started = true;
      queues.consume(worker.run);
      progress.onWake(housekeeping.wake);
      housekeeping.start();
    },
    async stop() {
      await housekeeping.stop();
      await worker.stop();
      await queues.close();
      await progress.stop();
    },
    standing: () => ({
      rowsWritten: worker.rowsWritten(),
      inHand: worker.inHand(),
      queueReachable: housekeeping.reachable(),
    }),
  };
};
