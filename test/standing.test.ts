/** What the health checks make of how bulk work stands. */
import { notFinishing } from '../src/standing.ts';

describe('A worker', () => {
  test('that has nothing in hand, or went on just now, is well', () => {
    expect(notFinishing({ stalledMs: 0, failedInRow: 0 })).toBeUndefined();
    expect(notFinishing({ stalledMs: 20_000, failedInRow: 9 })).toBeUndefined();
  });

  test('that holds work and finishes none of it is ill, though it is connected', () => {
    expect(notFinishing({ stalledMs: 31_000, failedInRow: 0 })).toBe(
      'Bulk work is in hand and nothing was decided for 31 s.',
    );
  });

  test('whose chunks all end in faults is ill', () => {
    expect(notFinishing({ stalledMs: 0, failedInRow: 10 })).toMatch(/^The last 10 chunks/);
  });
});
