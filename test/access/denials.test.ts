/** A flood of refusals is counted, not written out. */

import { createDenials, type Denial } from '../../src/access/denials.ts';
import { anonymous, type Who } from '../../src/access/recorder.ts';
import type { EventData } from '../../src/events/definition.ts';

interface Written {
  readonly type: string;
  readonly data: EventData;
  readonly who: Who;
}

const recording = () => {
  const written: Written[] = [];
  const clock = { now: new Date('2026-03-01T12:00:30Z') };
  const denials = createDenials({
    clock: () => clock.now,
    onError: (error) => {
      throw error;
    },
    recorder: {
      record: async ({ type, data }, who) => {
        written.push({ type, data, who });
      },
      metadata: () => {
        throw new Error('not asked for');
      },
    },
  });
  const flood = (times: number, denial: Denial) => {
    for (let n = 0; n < times; n++) denials.note(denial);
  };
  return { written, clock, denials, flood };
};

const from = (ip: string, code = 'not_authenticated'): Denial => ({ code, who: anonymous(ip) });
const by = (id: string, code = 'not_permitted'): Denial => ({
  code,
  who: { actor: { id, kind: 'person' }, tool: 'console' },
});

const summary = (written: readonly Written[]) => {
  const counts: Record<string, number> = {};
  for (const { type } of written) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
};

test('the first ten of a source and code are recorded, the rest as one count when the minute is over', async () => {
  const { written, clock, denials, flood } = recording();
  flood(1_000, from('192.0.2.1'));
  await denials.flush();
  expect(summary(written)).toEqual({ AccessDenied: 10 });
  clock.now = new Date('2026-03-01T12:01:00Z');
  await denials.flush();
  expect(written.at(-1)).toEqual({
    type: 'DenialsCounted',
    data: { code: 'not_authenticated', count: 990, minute: '2026-03-01T12:00:00.000Z' },
    who: anonymous('192.0.2.1'),
  });
  expect(summary(written)).toEqual({ AccessDenied: 10, DenialsCounted: 1 });
});

test('sources and codes are told apart, and each minute begins anew', async () => {
  const { written, clock, denials, flood } = recording();
  flood(10, from('192.0.2.1'));
  flood(10, from('192.0.2.2'));
  flood(10, from('192.0.2.1', 'network_refused'));
  flood(10, by('person:a'));
  clock.now = new Date('2026-03-01T12:01:00Z');
  flood(10, by('person:a'));
  await denials.flush();
  expect(summary(written)).toEqual({ AccessDenied: 50 });
});

test('those who have not signed in share one cap over all sources', async () => {
  const { written, denials, flood } = recording();
  for (let n = 0; n < 200; n++) flood(1, from(`192.0.2.${n}`));
  flood(1, by('person:a'));
  await denials.flush(true);
  expect(summary(written)).toEqual({ AccessDenied: 101, DenialsCounted: 1 });
});

test('a hundred thousand sources do not grow the memory nor the log without bound', async () => {
  const { written, denials, flood } = recording();
  for (let n = 0; n < 100_000; n++) flood(1, from(`2001:db8::${n.toString(16)}`));
  await denials.flush(true);
  expect(summary(written).AccessDenied).toBe(100);
  expect(summary(written).DenialsCounted).toBe(1);
  const counted = written
    .filter(({ type }) => type === 'DenialsCounted')
    .map(({ data }) => data.count as number);
  expect(counted.reduce((sum, count) => sum + count, 0)).toBe(100_000 - 100);
});
