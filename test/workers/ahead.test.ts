import { cutAt, inOutcomes, inRecord } from '../../src/workers/ahead.ts';

/** What the database does with the pieces. */
const putIn = ({ lines, ahead }: ReturnType<typeof cutAt>, head: number): unknown => {
  const positions = ahead === '{}' ? [] : ahead.slice(1, -1).replaceAll('"', '').split(',').map(Number);
  const pieces = lines.split('\n');
  return JSON.parse(
    pieces.map((piece, n) => piece + (n in positions ? head + (positions[n] ?? 0) : '')).join(''),
  );
};

describe('Positions counted from the head of the log', () => {
  it('stand in the outcomes as those of the first event, whose number of events stays', () => {
    const outcomes = [
      { x: 0, t: 'a', o: 'succeeded', p: [1, 2] },
      { x: 1, t: 'b', o: 'unchanged' },
      { x: 2, t: 'c', o: 'succeeded', p: [3, 1] },
    ];
    expect(putIn(cutAt(JSON.stringify(outcomes), inOutcomes), 1_000)).toEqual([
      { x: 0, t: 'a', o: 'succeeded', p: [1_001, 2] },
      { x: 1, t: 'b', o: 'unchanged' },
      { x: 2, t: 'c', o: 'succeeded', p: [1_003, 1] },
    ]);
  });

  it('stand in the record one by one, and not at all where nothing was appended', () => {
    const items = [
      { index: 10, target: '10', positions: [9, 10, 11] },
      { index: 11, target: '11', positions: [] },
    ];
    expect(putIn(cutAt(JSON.stringify({ chunk: 3, items }), inRecord), 90)).toEqual({
      chunk: 3,
      items: [
        { index: 10, target: '10', positions: [99, 100, 101] },
        { index: 11, target: '11', positions: [] },
      ],
    });
  });

  it('are never seen in what somebody wrote', () => {
    const m = 'said: "p":[7,1] and "positions":[7,8]\nand {"p":[9]}';
    for (const positions of [inOutcomes, inRecord]) {
      expect(putIn(cutAt(JSON.stringify([{ x: 0, t: m, m }]), positions), 5)).toEqual([{ x: 0, t: m, m }]);
    }
  });
});
