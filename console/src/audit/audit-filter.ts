/** The filter of the audit log: the API's own words in the address bar; times are local there. */
import type { Query } from '../api/client.ts';
import { utcOf } from '../parts/written.ts';

export const auditWords = ['about', 'actor', 'type', 'command', 'tool', 'reason'] as const;
/** Asked for now and then, mostly by a link or an id at hand. */
export const auditIds = ['stream', 'bulkJob', 'commandId', 'correlation', 'session'] as const;
export const auditChoices = {
  outcome: ['succeeded', 'unchanged', 'rejected', 'refused', 'denied', 'failed', 'skipped', 'cancelled'],
  order: ['newest', 'oldest'],
} as const;
export const auditTimes = ['from', 'to'] as const;

export const auditFilters: readonly string[] = [
  ...auditWords,
  ...auditIds,
  ...Object.keys(auditChoices),
  ...auditTimes,
];

export const auditFilterOf = (search: URLSearchParams): Readonly<Record<string, string>> =>
  Object.fromEntries(
    auditFilters.flatMap((word) => {
      const value = search.get(word)?.trim();
      return value ? [[word, value]] : [];
    }),
  );

/** Whoever looks mostly looks for what was done last. */
export const auditQueryOf = (filter: Readonly<Record<string, string>>): Query =>
  Object.fromEntries(
    Object.entries({ order: 'newest', ...filter }).map(([word, value]) => [
      word,
      auditTimes.some((time) => time === word) ? (utcOf(value) ?? value) : value,
    ]),
  );
