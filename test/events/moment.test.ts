/** What is a moment, and what it comes to in the log's own form. */
import fc from 'fast-check';
import { isDate, momentOf } from '../../src/events/moment.ts';

describe('moments', () => {
  test('any zone and precision comes to the form of the log, which sorts by time', () => {
    const offset = fc.integer({ min: -14 * 60, max: 14 * 60 });
    const date = fc.date({
      min: new Date('1900-01-01T00:00:00Z'),
      max: new Date('2200-01-01T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, offset, (time, minutes) => {
        const local = new Date(time.getTime() + minutes * 60_000).toISOString().slice(0, 23);
        const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
        const pad = (n: number) => String(n).padStart(2, '0');
        const zone = `${minutes < 0 ? '-' : '+'}${pad(hours)}:${pad(rest)}`;
        expect(momentOf(`${local}${zone}`)).toBe(time.toISOString().replace('Z', '000Z'));
      }),
    );
  });

  test.each([
    ['2026-03-31T12:00Z', '2026-03-31T12:00:00.000000Z'],
    ['2026-03-31t12:00:00.1234567z', '2026-03-31T12:00:00.123456Z'],
    ['2026-03-31T00:30:00+01:00', '2026-03-30T23:30:00.000000Z'],
    ['2026-03-31', undefined],
    ['2026-03-31T12:00:00', undefined],
    ['2026-02-30T12:00:00Z', undefined],
    ['2026-03-31T24:00:00Z', undefined],
    ['2026-03-31T12:60:00Z', undefined],
    ['2026-03-31T12:00:00 01:00', undefined],
    ['now', undefined],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'],
    ['0001-01-01T00:00:00+01:00', undefined],
    ['0000-06-01T00:00:00Z', undefined],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000000Z'],
    ['9999-12-31T23:59:59-01:00', undefined],
  ])('%s is %s', (text, moment) => {
    expect(momentOf(text)).toBe(moment);
  });

  test.each([
    ['2024-02-29', true],
    ['2023-02-29', false],
    ['0000-01-01', false],
    ['2026-3-1', false],
  ])('whether %s is a day: %s', (text, is) => {
    expect(isDate(text)).toBe(is);
  });
});
