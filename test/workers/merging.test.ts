/** Two sides in order of their keys: side by side, in bounded memory. */
import { compareKeys, merged } from '../../src/workers/reconciliation/merging.ts';

interface Row {
  readonly id: string;
}

async function* rows(...ids: readonly string[]): AsyncGenerator<Row> {
  for (const id of ids) yield { id };
}

const pairs = async (ours: AsyncIterable<Row>, theirs: AsyncIterable<Row>): Promise<string[]> => {
  const found: string[] = [];
  for await (const { key, ours: here, theirs: there } of merged(ours, theirs, ({ id }) => id))
    found.push(`${key}${here === undefined ? '' : ' here'}${there === undefined ? '' : ' there'}`);
  return found;
};

test('every key is told once, with the sides that have it', async () => {
  expect(await pairs(rows('a', 'b', 'd'), rows('b', 'c', 'd', 'e'))).toEqual([
    'a here',
    'b here there',
    'c there',
    'd here there',
    'e there',
  ]);
  expect(await pairs(rows(), rows('a'))).toEqual(['a there']);
  expect(await pairs(rows('a'), rows())).toEqual(['a here']);
  expect(await pairs(rows(), rows())).toEqual([]);
});

test('order is that of the bytes, as PostgreSQL has it', () => {
  expect(['b', 'B', 'a-1', 'a_1', '\u{1F600}', '\uFFFD'].sort(compareKeys)).toEqual([
    'B',
    'a-1',
    'a_1',
    'b',
    '\uFFFD',
    '\u{1F600}',
  ]);
});

test('a side out of order is a fault, and not a thousand differences', async () => {
  await expect(pairs(rows('a', 'b'), rows('b', 'a'))).rejects.toThrow('ascending');
  await expect(pairs(rows('a', 'a'), rows('a'))).rejects.toThrow('ascending');
});
