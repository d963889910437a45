/**
 * Moments and days as people write them: ISO 8601 with a zone, any precision → the log's own form, UTC
 * with microseconds, which sorts as text. Digits beyond microseconds are cut off. Only the years 1 to
 * 9999, in UTC: the form has four digits for them, and PostgreSQL knows no year 0.
 */
import type { Timestamp } from './envelope.ts';

const pattern = /^(\d{4}-\d\d-\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

const midnight = 'T00:00:00.000000Z';

/** Whether there is such a day. */
export const isDate = (text: string): boolean => {
  if (!/^(?!0000)\d{4}-\d\d-\d\d$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
};

/** undefined: not a moment. A day alone is its midnight in UTC where `days` allows it. */
export const momentOf = (text: string, { days = false } = {}): Timestamp | undefined => {
  if (days && isDate(text)) return text + midnight;
  const [, day = '', hour = '', minute = '', second = '00', fraction = '', sign, zoneHours, zoneMinutes] =
    pattern.exec(text) ?? [];
  if (!isDate(day) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const zone = { hours: Number(zoneHours ?? 0), minutes: Number(zoneMinutes ?? 0) };
  if (zone.hours > 23 || zone.minutes > 59) return undefined;
  const offsetMs = (zone.hours * 60 + zone.minutes) * 60_000 * (sign === '-' ? -1 : 1);
  const utc = new Date(Date.parse(`${day}T${hour}:${minute}:${second}Z`) - offsetMs);
  const seconds = utc.toISOString().slice(0, -'.000Z'.length);
  // A zone may carry it across the edge: "-000001-…", "0000-…", "+010000-…".
  return isDate(seconds.slice(0, 10)) ? `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z` : undefined;
};
