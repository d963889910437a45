/** Reading over HTTP: rows, headers, exports, and the audit log. */
import { randomUUID } from 'node:crypto';
import { type Office, openOffice } from './office.ts';

let office: Office;
let clerk: string;
let auditor: string;
let position: number;
const ids = ['p-1', 'p-2', 'p-3'];
beforeAll(async () => {
  office = await openOffice();
  clerk = await office.signIn('clerks');
  auditor = await office.signIn('auditors');
  for (const parcelId of ids) position = await post({ parcelId, to: '=cmd("x")', weight: 1 });
});
afterAll(() => office.close());

const post = async (input: object): Promise<number> => {
  const answer = await fetch(`${office.base}/internal/v1/commands/post-parcel`, {
    method: 'POST',
    body: JSON.stringify(input),
    headers: {
      'content-type': 'application/json',
      origin: office.base,
      cookie: clerk,
      'quarterdeck-reason': 'Kunde%20%C3%A4rgert%20sich',
    },
  });
  return ((await answer.json()) as { position: number }).position;
};
const get = async (path: string, cookie = clerk, headers: Record<string, string> = {}, method = 'GET') => {
  const answer = await fetch(`${office.base}/internal/v1/${path}`, {
    method,
    headers: { cookie, 'quarterdeck-min-position': String(position), ...headers },
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json;') ?? false;
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: (isJson && text !== '' ? JSON.parse(text) : {}) as Record<string, unknown>,
  };
};

describe('a list', () => {
  test('is a page of rows, a cursor and the position it reflects', async () => {
    const first = await get('parcels?limit=2&sort=parcelId');
    expect(first.status).toBe(200);
    expect((first.body.data as { parcelId: string }[]).map(({ parcelId }) => parcelId)).toEqual([
      'p-1',
      'p-2',
    ]);
    expect(first.headers.get('quarterdeck-position')).toBe(String(first.body.position));
    const second = await get(`parcels?limit=2&sort=parcelId&cursor=${first.body.nextCursor}`);
    expect(second.body).toMatchObject({ data: [{ parcelId: 'p-3' }], nextCursor: null });
  });

  test('leaves out what one may not see, and refuses to filter by it', async () => {
    expect(Object.keys(((await get('parcels')).body.data as object[])[0] ?? {})).toEqual([
      'parcelId',
      'status',
      'to',
      'postage',
      'tags',
    ]);
    expect(((await get('parcels', auditor)).body.data as object[])[0]).toMatchObject({ margin: '1.10' });
    expect((await get('parcels?margin=1.10')).body).toMatchObject({
      status: 403,
      code: 'not_permitted',
      permission: 'parcels:internal',
    });
  });

  test('for HEAD has the headers only', async () => {
    const { status, headers, text } = await get('parcels', clerk, {}, 'HEAD');
    expect([status, text, headers.get('content-type')]).toEqual([200, '', 'application/json; charset=utf-8']);
  });
});

describe('one row', () => {
  test('has its version as ETag', async () => {
    const { headers, body } = await get('parcels/p-1');
    expect(body).toMatchObject({ data: { parcelId: 'p-1', status: 'posted' } });
    expect(headers.get('etag')).toBe('"1"');
  });

  test.each(['parcels/none', 'parcels/%00', `parcels/${'x'.repeat(600)}`, 'parcels/a%2Fb'])(
    'that is not there is 404: %s',
    async (path) => {
      expect((await get(path)).body).toMatchObject({ status: 404, code: 'not_found' });
    },
  );
});

describe('an export', () => {
  test('as NDJSON is every row as it is', async () => {
    const { headers, text } = await get('parcels.ndjson?sort=parcelId');
    const rows = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { parcelId: string; to: string });
    expect(rows.map(({ parcelId }) => parcelId)).toEqual(ids);
    expect(rows[0]?.to).toBe('=cmd("x")');
    expect(headers.get('content-disposition')).toBe('attachment; filename="parcels.ndjson"');
  });

  test('as CSV has a header line and nothing that a spreadsheet would run', async () => {
    const { headers, text } = await get('parcels.csv?sort=parcelId&fields=parcelId,to,postage');
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(text.split('\r\n').slice(0, 2)).toEqual(['parcelId,to,postage', `p-1,"'=cmd(""x"")",4.20`]);
  });
});

describe('the audit log', () => {
  test('is searched by filter', async () => {
    const { body } = await get('audit/events?stream=parcel-p-1', auditor);
    expect(body.data).toMatchObject([
      { stream: 'parcel-p-1', type: 'ParcelPosted', metadata: { reason: 'Kunde ärgert sich' } },
    ]);
  });

  test('is closed to whoever may not audit, and that is recorded', async () => {
    expect((await get('audit/events')).body).toMatchObject({ status: 403, permission: 'audit:read' });
    await office.access.denials.flush(true);
    const denied = await get('audit/events?type=AccessDenied', auditor);
    expect(JSON.stringify(denied.body.data)).toContain('audit:read');
  });

  test('streams every event, one a line', async () => {
    const { text } = await get('audit/events.ndjson', auditor);
    const positions = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { position: number }).position);
    expect(positions).toEqual(positions.map((_, index) => index + 1));
    const csv = await get('audit/events.csv?stream=parcel-p-1', auditor);
    expect(csv.text.split('\r\n')[0]).toMatch(/^position,id,stream,version,type/);
    expect(csv.text.split('\r\n')).toHaveLength(3);
  });

  test('shows the states of a stream', async () => {
    const { body } = await get('audit/replay/parcel-p-1', auditor);
    expect(body).toMatchObject({
      stream: 'parcel-p-1',
      states: [{ version: 1, type: 'ParcelPosted', after: { status: 'posted' } }],
    });
    expect((await get('audit/replay/parcel-none', auditor)).status).toBe(404);
  });
});

test('one may read what one has just written, every time', async () => {
  for (let n = 0; n < 20; n++) {
    const parcelId = randomUUID();
    position = await post({ parcelId, to: 'Ada', weight: 1 });
    expect((await get(`parcels/${parcelId}`)).status).toBe(200);
  }
});
