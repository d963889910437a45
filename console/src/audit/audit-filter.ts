/** The filter of the audit log: the API's own words in the address bar; times are local there. */
import type { Query } from '../api/client.ts';
import { utcOf } from '../parts/written.ts';

export const auditWords = ['stream', 'actor', 'type', 'command'] as const;
export const auditTimes = ['from', 'to'] as const;

export const auditFilterOf = (search: URLSearchParams): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...auditWords, ...auditTimes].flatMap((word) => {
      const value = search.get(word)?.trim();
      return value ? [[word, value]] : [];
    }),
  );

export const auditQueryOf = (filter: Readonly<Record<string, string>>): Query =>
  Object.fromEntries(
    Object.entries(filter).map(([word, value]) => [
      word,
      auditTimes.some((time) => time === word) ? (utcOf(value) ?? value) : value,
    ]),
  );
