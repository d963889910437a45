import { z } from 'zod';
import { selectStoredLines } from '../../src/audit/provable/sql/stored-lines.ts';
import { defineEvent, type EventData, type EventDefinition } from '../../src/events/definition.ts';
import type { Metadata, StoredEvent } from '../../src/events/envelope.ts';
import type { RunningLog } from '../../src/events/event-log.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import { personal } from '../../src/events/personal.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { add, definitions, masterKey, metadata, openLog } from './testbed.ts';

const Moved = defineEvent({
  type: 'Moved',
  schema: z.object({ counter: z.string(), metadata: z.unknown(), personal: personal(z.unknown()) }),
  refs: () => [],
  subject: ({ counter }) => counter,
});

const renamed = {
  ...defineEvent({
    type: 'Counted',
    schema: z.object({ counter: z.string(), steps: z.number() }),
    refs: () => [],
  }),
  schemaVersion: 2,
  upcasters: { 1: ({ counter, by }: EventData) => ({ counter, steps: by }) },
};

const ada: Partial<Metadata> = {
  actor: { id: 'person:ada', kind: 'person' },
  email: 'ada@example.test',
  name: 'Ada "the first"',
  ip: '10.0.0.1',
};

describe('events as text in their readable form', () => {
  let db: TestDatabase;
  let log: RunningLog;
  beforeEach(async () => {
    db = await testDatabase();
    log = await openLog(db.app, [...definitions, Moved as unknown as EventDefinition]);
  });
  afterEach(async () => {
    await log.stop();
    await db.drop();
  });

  const write = async (type: string, data: EventData, more: Partial<Metadata> = {}) => {
    const stream = String(data.counter);
    await log.append({ ...add(stream, 'any'), events: [{ stream, type, data, metadata: metadata(more) }] });
  };

  const storedTexts = async (): Promise<string[]> => {
    const { rows } = await db.app.query<[number, string]>({ ...selectStoredLines, values: [0, 1_000] });
    return rows.map(([, text]) => text);
  };

  const writeSome = async (): Promise<string[]> => {
    await write('Counted', { counter: 'plain', by: 1 });
    for (const reason of ['asked to', 'asked to', 'a "quoted" reason, with $personal in it'])
      await write('Counted', { counter: 'of-ada', by: 1.5e300 }, { ...ada, reason });
    await write('Named', { counter: 'named', owner: 'Grace \u0001 \u2028 Hopper' }, ada);
    await write('Named', { counter: 'gone', owner: 'Alan', email: 'alan@example.test' }, ada);
    await write('Moved', {
      counter: 'odd',
      metadata: { actor: { id: 'x' }, metadata: { deep: { $personal: 'gone', sealed: 'AAAA' } } },
      personal: [',"metadata":{', '$personal', '\\u0024personal'],
    });
    return storedTexts();
  };

  const asDecoded = async (texts: readonly string[], reader = log): Promise<unknown> =>
    JSON.parse(JSON.stringify(await reader.decode(texts.map((text) => JSON.parse(text) as StoredEvent))));

  const read = async (texts: readonly string[], reader = log): Promise<unknown[]> =>
    (await reader.readableTexts(texts)).map((text) => JSON.parse(text) as unknown);

  test('each says what decoding it says, whatever of it was sealed', async () => {
    const texts = await writeSome();
    const shown = await read(texts);
    expect(shown).toEqual(await asDecoded(texts));
    expect(shown).toMatchObject([
      { data: { by: 1 } },
      { metadata: { name: 'Ada "the first"', reason: 'asked to' } },
      { metadata: { email: 'ada@example.test', reason: 'asked to' } },
      { metadata: { reason: 'a "quoted" reason, with $personal in it' } },
      { data: { owner: 'Grace \u0001 \u2028 Hopper' }, metadata: { ip: '10.0.0.1' } },
      { data: { owner: 'Alan' } },
      { data: { personal: [',"metadata":{', '$personal', '\\u0024personal'] } },
    ]);
    expect(await log.readableTexts([])).toEqual([]);
  });

  test('what is not sealed stands in it as it is stored, to the letter', async () => {
    await write('Counted', { counter: 'plain', by: 1 }, ada);
    const [text = ''] = await storedTexts();
    const [shown = ''] = await log.readableTexts([text]);
    const [before = '', behind = ''] = text.split(/,"personal":\{[^}]*\}/);
    expect(behind).not.toBe('');
    expect(shown.startsWith(before)).toBe(true);
    expect(shown.endsWith(behind)).toBe(true);
  });

  test('of somebody who was erased nothing is read, of the others everything', async () => {
    const texts = await writeSome();
    await createKeyRing(db.app, masterKey).destroy(['gone', 'person:ada']);
    const later = await openLog(db.app, [...definitions, Moved as unknown as EventDefinition]);
    const shown = await read(texts, later);
    expect(shown).toEqual(await asDecoded(texts, later));
    expect(shown).toMatchObject([
      {},
      { metadata: { name: '[erased]', email: '[erased]' } },
      {},
      {},
      { data: { owner: 'Grace \u0001 \u2028 Hopper' }, metadata: { name: '[erased]' } },
      { data: { owner: '[erased]', email: '[erased]' } },
      {},
    ]);
    expect(JSON.stringify(shown)).not.toMatch(/Ada|asked to|Alan/);
    await later.stop();
  });

  test('an old shape is shown in the newest, under its version', async () => {
    const texts = await writeSome();
    const newer = await openLog(db.app, [
      renamed as unknown as EventDefinition,
      ...definitions.slice(1),
      Moved as unknown as EventDefinition,
    ]);
    const shown = await read(texts, newer);
    expect(shown).toEqual(await asDecoded(texts, newer));
    expect(shown[1]).toMatchObject({
      schemaVersion: 2,
      data: { counter: 'of-ada', steps: 1.5e300 },
      metadata: { reason: 'asked to' },
    });
    await newer.stop();
  });

  test('what was spelled in another way where it lies reads the same', async () => {
    const texts = await writeSome();
    const spellings: readonly ((text: string) => string)[] = [
      (text) => text.replaceAll('"$personal"', '"\\u0024personal"'),
      (text) => text.replaceAll('"sealed"', '"s\\u0065aled"'),
      (text) => text.replaceAll('"personal"', '"p\\u0065rsonal"'),
      (text) => text.replaceAll('{"$personal":', '{ "$personal" : '),
      (text) => text.replaceAll('{"$personal":', '{\n"$personal":'),
      (text) => text.replaceAll('"data":{', '"data": {').replaceAll('"metadata":{', '"metadata":\t{'),
      (text) => text.replace('{"position"', '{ "position"'),
      (text) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse())),
    ];
    const right = await asDecoded(texts);
    for (const spell of spellings) {
      const respelled = texts.map(spell);
      expect(respelled).not.toEqual(texts);
      expect(await read(respelled)).toEqual(right);
    }
  });

  test('what was tampered with is a fault that names its position, among others that are well', async () => {
    const texts = await writeSome();
    const tampered = (position: number, name: string) =>
      texts.map((text, n) =>
        n === position - 1 ? text.replace(new RegExp(`("${name}":\\{.*?"sealed":")....`), '$1AAAA') : text,
      );
    for (const [position, name] of [
      [3, 'personal'],
      [5, 'owner'],
    ] as const) {
      expect(tampered(position, name)).not.toEqual(texts);
      await expect(log.readableTexts(tampered(position, name))).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringMatching(new RegExp(`^Position ${position} of the log`)),
      });
    }
  });
});
