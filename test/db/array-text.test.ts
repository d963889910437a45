/** Arrays written by us are the arrays that PostgreSQL reads. */
import fc from 'fast-check';
import { arrayText } from '../../src/db/array-text.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ empty: true });
});
afterAll(() => database.drop());

const readBack = async (values: readonly (string | null)[]): Promise<unknown> => {
  const { rows } = await database.app.query<{ read: unknown }>('SELECT $1::text[] AS read', [
    arrayText(values),
  ]);
  return rows[0]?.read;
};

describe('Arrays as text', () => {
  test('any text comes back as it was: quotes, backslashes, braces, commas, line breaks, NULL as a word', async () => {
    const awkward = ['', ' ', '"', '\\', '\\"', '{}', 'a,b', 'NULL', 'null', 'line\nbreak', '\u{1f600}', "'"];
    expect(await readBack([...awkward, null])).toEqual([...awkward, null]);
    const text = fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\0') && s.isWellFormed());
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text)), async (values) => {
        expect(await readBack(values)).toEqual(values);
      }),
    );
  });

  test('numbers, booleans and nothing', async () => {
    const { rows } = await database.app.query(
      'SELECT $1::numeric[]::text AS n, $2::boolean[]::text AS b, $3::int[]::text AS e',
      [arrayText([1, -2.5, undefined]), arrayText([true, false, null]), arrayText([])],
    );
    expect(rows).toEqual([{ n: '{1,-2.5,NULL}', b: '{t,f,NULL}', e: '{}' }]);
  });
});
