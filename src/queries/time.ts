/**
 * Moments as callers write them (ISO 8601 with a zone, any precision) → the log's own form, UTC with
 * microseconds, which sorts as text. Digits beyond microseconds are cut off.
 */
import type { Timestamp } from '../events/envelope.ts';

const pattern =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

const midnight = 'T00:00:00.000000Z';

/** Whether there is such a day. */
export const isDate = (text: string): boolean => {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text) && !text.startsWith('0000');
};

/** undefined: not a moment. A day alone is its midnight in UTC where `days` allows it. */
export const momentOf = (text: string, { days = false } = {}): Timestamp | undefined => {
  if (days && isDate(text)) return text + midnight;
  const match = pattern.exec(text);
  if (match === null || !isDate(text.slice(0, 10))) return undefined;
  const [, , , , hour, minute, second = '00', fraction = '', sign, zoneHours = '00', zoneMinutes = '00'] =
    match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (Number(zoneHours) > 23 || Number(zoneMinutes) > 59) return undefined;
  const offsetMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === '-' ? -1 : 1);
  const utc = new Date(Date.parse(`${text.slice(0, 10)}T${hour}:${minute}:${second}Z`) - offsetMs);
  const seconds = utc.toISOString().slice(0, 19);
  return /^\d{4}-/.test(seconds) ? `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z` : undefined;
};
