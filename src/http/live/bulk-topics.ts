/** Topics `bulk-jobs` and `bulk-jobs/<id>`, `exports` and `exports/<id>`. */
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
    // Of others' jobs everybody is shown as much as they may read.
    viewOf: ({ id, tool }) => `${id}\n${tool}`,
    list: bulk.jobs.list,
    get: bulk.jobs.get,
    onProgress: bulk.onProgress,
    log,
  });

export const exportTopics = ({ exports, log }: Ports & { readonly exports: Exports }): TopicKind =>
  workTopics({
    name: 'exports',
    permissions: ['exports:run', readAll],
    // Of others' exports everybody is shown as much as they may read.
    viewOf: ({ id, tool }) => `${id}\n${tool}`,
    list: exports.list,
    get: exports.get,
    onProgress: exports.onProgress,
    log,
  });
