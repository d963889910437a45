/** Streamed answers: as fast as their reader, cut where they break, ended where nobody reads. */
import { setTimeout as sleep } from 'node:timers/promises';
import { QuarterdeckError } from '../../src/errors.ts';
import { csvLines } from '../../src/http/csv.ts';
import { ndjsonLines, sendStream } from '../../src/http/streaming.ts';
import { route, type Served, serve } from './serving.ts';

let served: Served;
let source: () => AsyncGenerator<unknown>;
beforeAll(async () => {
  const stream = route('get', '/internal/v1/stream', (request, response) =>
    sendStream(request, response, {
      contentType: 'application/x-ndjson',
      fileName: 'rows.ndjson',
      chunks: ndjsonLines(source()),
    }),
  );
  served = await serve({ routes: [stream] });
});
afterAll(() => served.close(1_000));

const address = () => `${served.base}/internal/v1/stream`;

describe('a streamed answer', () => {
  test('has one value a line, however many', async () => {
    source = async function* () {
      for (let n = 0; n < 50_000; n++) yield { n };
    };
    const answer = await fetch(address());
    const lines = (await answer.text()).trimEnd().split('\n');
    expect([lines.length, lines.at(-1)]).toEqual([50_000, '{"n":49999}']);
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="rows.ndjson"');
  });

  test('of nothing is empty and fine', async () => {
    source = async function* () {};
    const answer = await fetch(address());
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });

  test('that is refused before its first row is a problem', async () => {
    source = async function* () {
      yield await sleep(1).then(() => {
        throw new QuarterdeckError('not_permitted', 'No.');
      });
    };
    const answer = await fetch(address());
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([403, 'not_permitted']);
    expect(answer.headers.get('content-disposition')).toBeNull();
  });

  test('that fails on its way is cut off', async () => {
    source = async function* () {
      for (let n = 0; n < 100_000; n++) yield { n };
      throw new Error('the database went away');
    };
    await expect(fetch(address()).then((answer) => answer.text())).rejects.toThrow();
  });

  test('is not read ahead of a reader that pauses, and ends when the reader leaves', async () => {
    let made = 0;
    let ended = false;
    source = async function* () {
      try {
        for (;;) {
          made++;
          yield { text: 'x'.repeat(1_000) };
        }
      } finally {
        ended = true;
      }
    };
    const leaving = new AbortController();
    const answer = await fetch(address(), { signal: leaving.signal });
    await answer.body?.getReader().read();
    await settled(() => made);
    // What fits into the sockets' buffers is some megabytes; unbounded would be gigabytes by now.
    expect(made).toBeLessThan(50_000);
    leaving.abort();
    while (!ended) await sleep(5);
  });

  test('asked for with HEAD reads nothing beyond its first row', async () => {
    let made = 0;
    let ended = false;
    source = async function* () {
      try {
        for (;;) yield { n: made++ };
      } finally {
        ended = true;
      }
    };
    const answer = await fetch(address(), { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-type'), made, ended]).toEqual([
      200,
      'application/x-ndjson',
      1,
      true,
    ]);
  });
});

/** Waits until a number stops growing. */
const settled = async (read: () => number): Promise<void> => {
  for (let before = -1; before !== read(); ) {
    before = read();
    await sleep(100);
  }
};

describe('CSV', () => {
  const text = async (rows: Record<string, unknown>[]) => {
    const given = async function* () {
      yield* rows;
    };
    let all = '';
    for await (const line of csvLines(
      [
        { name: 'id', text: true },
        { name: 'amount', text: false },
      ],
      given(),
    ))
      all += line;
    return all;
  };

  test('quotes what needs it, and leaves null empty', async () => {
    const rows = [
      { id: 'a,b', amount: 1 },
      { id: 'say "hi"', amount: null },
      { id: 'two\r\nlines', amount: true },
      { id: '', amount: ['x'] },
    ];
    expect(await text(rows)).toBe(
      'id,amount\r\n"a,b",1\r\n"say ""hi""",\r\n"two\r\nlines",true\r\n,"[""x""]"\r\n',
    );
  });

  test.each(['=1+1', '+1', '-1', '@x', '\tx', '\rx'])(
    'does not let a spreadsheet run the text %j',
    async (id) => {
      expect((await text([{ id, amount: '-5.00' }])).split('\r\n').slice(1).join('\r\n')).toMatch(/^"?'/);
    },
  );

  test('leaves a negative amount alone', async () => {
    expect(await text([{ id: 'x', amount: '-5.00' }])).toBe('id,amount\r\nx,-5.00\r\n');
  });
});
