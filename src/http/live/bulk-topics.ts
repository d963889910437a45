/** Topics `bulk-jobs` and `bulk-jobs/<id>`, `exports` and `exports/<id>`. */
import { isEveryRow } from '../../access/principal.ts';
import type { EventLog } from '../../events/log.ts';
import type { Exports } from '../../workers/exports/request.ts';
import type { Bulk } from '../../workers/request.ts';
import type { TopicKind } from './topic.ts';
import { workTopics } from './work-topics.ts';

const permission = 'bulk:read';
const readAll = 'exports:read-all';

interface Ports {
  readonly log: Pick<EventLog, 'head'>;
}

export const bulkTopics = ({
  bulk,
  log,
}: Ports & { readonly bulk: Pick<Bulk, 'jobs' | 'onProgress'> }): TopicKind =>
  workTopics({
    name: 'bulk-jobs',
    permissions: [permission],
    // Whoever reaches some rows only sees the jobs of their own.
    viewOf: ({ id, permissions }) => (isEveryRow(permissions.rows(permission)) ? '' : id),
    list: bulk.jobs.list,
    get: bulk.jobs.get,
    onProgress: bulk.onProgress,
    log,
  });

export const exportTopics = ({ exports, log }: Ports & { readonly exports: Exports }): TopicKind =>
  workTopics({
    name: 'exports',
    permissions: ['exports:run', readAll],
    viewOf: ({ id, permissions }) => (isEveryRow(permissions.rows(readAll)) ? '' : id),
    list: exports.list,
    get: exports.get,
    onProgress: exports.onProgress,
    log,
  });
