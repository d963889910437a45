/**
 * The engine is a package: what it promises, it promises to an application of its own that brings an
 * area from a folder of its own. Not a line of the engine knows of either.
 */
import { readdir, readFile } from 'node:fs/promises';
import { type Answered, type Asked, ask } from '../contract/running.ts';
import { until } from '../setup/until.ts';
import { type Host, openHost } from './host.ts';

let host: Host;
let desk: string;
beforeAll(async () => {
  host = await openHost();
  desk = await host.cookieOf('ops@dev.test');
});
afterAll(() => host.close());

const asked = (request: Asked, cookie: string | undefined = desk): Promise<Answered> =>
  ask(host.base, cookie, request);

const command = (name: string, body: object, headers: Record<string, string> = {}): Promise<Answered> =>
  asked({ path: `/internal/v1/commands/${name}`, body, headers });

const openTicket = (ticketId: string): Promise<Answered> =>
  command('open-ticket', { ticketId, title: `Ticket ${ticketId}`, openedBy: 'Ada' });

const rowAt = (ticketId: string, position: unknown): Promise<Answered> =>
  asked({
    path: `/internal/v1/tickets/${ticketId}`,
    headers: { 'quarterdeck-min-position': String(position) },
  });

describe('An area of an application’s own', () => {
  test('needs of the engine its package and nothing else', async () => {
    const folder = new URL('tickets/', import.meta.url);
    const texts = await Promise.all(
      (await readdir(folder)).map((file) => readFile(new URL(file, folder), 'utf8')),
    );
    const imported = texts.flatMap((text) => [...text.matchAll(/ from '([^']+)'/g)].map(([, name]) => name));
    const engine = imported.filter((name) => !name?.startsWith('./') && name !== 'zod');
    expect(new Set(engine)).toEqual(new Set(['../../../src/index.ts']));
  });

  test('has commands, which write events, and rows, which can be read at once', async () => {
    const opened = await openTicket('T-1');
    expect(opened).toMatchObject({ status: 200, body: { stream: 'ticket-T-1', version: 1 } });
    const row = await rowAt('T-1', opened.body.position);
    expect(row).toMatchObject({
      status: 200,
      body: { data: { ticketId: 'T-1', title: 'Ticket T-1', openedBy: 'Ada', status: 'open', answer: null } },
    });
    expect(row.headers.get('etag')).toBe('"1"');
  });

  test('has its rules and its validation', async () => {
    await openTicket('T-2');
    expect(await openTicket('T-2')).toMatchObject({
      status: 409,
      body: { code: 'rejected', rejection: 'ticket_exists' },
    });
    expect(await command('open-ticket', { ticketId: 'T 3' })).toMatchObject({
      status: 422,
      body: { code: 'invalid_input' },
    });
  });

  test('has idempotency and conditions like any other', async () => {
    await openTicket('T-4');
    const close = (headers: Record<string, string>) =>
      command('close-ticket', { ticketId: 'T-4', answer: 'Done.' }, headers);
    expect((await close({ 'if-match': '"7"' })).status).toBe(412);
    const first = await close({ 'idempotency-key': 'close-T-4', 'if-match': '"1"' });
    const again = await close({ 'idempotency-key': 'close-T-4', 'if-match': '"1"' });
    expect(first.status).toBe(200);
    expect(again).toMatchObject({ status: 200, body: first.body });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  test('is replayed from the log, state by state, and read as of any moment', async () => {
    const opened = await openTicket('T-5');
    const closed = await command('close-ticket', { ticketId: 'T-5', answer: 'Done.' });
    const replay = await asked({ path: '/internal/v1/audit/replay/ticket-T-5' });
    expect(replay).toMatchObject({
      status: 200,
      body: {
        states: [
          { version: 1, type: 'TicketOpened', after: { status: 'open' } },
          { version: 2, type: 'TicketClosed', before: { status: 'open' }, after: { status: 'closed' } },
        ],
      },
    });
    expect((await rowAt('T-5', closed.body.position)).body).toMatchObject({ data: { status: 'closed' } });
    const before = await asked({ path: `/internal/v1/tickets/T-5?asOf=${opened.body.position}` });
    expect(before.body).toMatchObject({ data: { status: 'open' } });
  });

  test('runs in bulk: from a file, then on a filter', async () => {
    const rows = Array.from({ length: 1_200 }, (_, n) => `B-${n},Bulk,Ada`);
    const upload = await asked({
      path: '/internal/v1/bulk-jobs?command=open-ticket',
      headers: { 'content-type': 'text/csv' },
      body: ['ticketId,title,openedBy', ...rows].join('\n'),
    });
    expect(upload).toMatchObject({ status: 202, body: { total: 1_200 } });
    expect(await ended(upload)).toMatchObject({ state: 'completed', succeeded: 1_200 });
    const closing = await asked({
      path: '/internal/v1/bulk-jobs',
      body: { command: 'close-ticket', where: { title: 'Bulk' }, input: { answer: 'All of them.' } },
    });
    const done = await ended(closing);
    expect(done).toMatchObject({ state: 'completed', total: 1_200, succeeded: 1_200 });
    expect((await rowAt('B-1199', done.position)).body).toMatchObject({ data: { status: 'closed' } });
  });

  test('keeps its people apart by the policy that the application brought', async () => {
    const guest = await host.cookieOf('support@dev.test');
    expect((await asked({ path: '/internal/v1/tickets' }, guest)).status).toBe(200);
    const refused = await asked(
      { path: '/internal/v1/commands/close-ticket', body: { ticketId: 'T-1', answer: 'No.' } },
      guest,
    );
    expect(refused).toMatchObject({ status: 403, body: { code: 'not_permitted' } });
  });

  test('is all that there is beside erasure, which every log needs: catalogue and OpenAPI name no other', async () => {
    const catalogue = await asked({ path: '/internal/v1/commands' });
    const names = (catalogue.body.data as { name: string }[]).map(({ name }) => name);
    const ofTheEngine = ['erase-subject', 'lift-legal-hold', 'place-legal-hold'];
    expect(names.filter((name) => !ofTheEngine.includes(name)).sort()).toEqual([
      'close-ticket',
      'open-ticket',
    ]);
    expect(names).toEqual(expect.arrayContaining(ofTheEngine));
    const { paths } = (await asked({ path: '/internal/openapi.json' })).body as { paths: object };
    expect(Object.keys(paths)).toContain('/internal/v1/tickets');
    expect(Object.keys(paths).filter((path) => path.includes('accounts'))).toEqual([]);
  });
});

const ended = async (accepted: Answered): Promise<Record<string, unknown>> => {
  let job = accepted.body;
  await until(async () => {
    job = (await asked({ path: `/internal/v1/bulk-jobs/${accepted.body.id}` })).body;
    return job.finishedAt !== null;
  });
  return job;
};

describe('The application around it', () => {
  const anonymous = (request: Asked): Promise<Answered> => ask(host.base, undefined, request);

  test('answers its own routes, before and behind the mount, with its own parsers', async () => {
    expect(await anonymous({ path: '/before' })).toMatchObject({ status: 200, text: 'the host, before' });
    expect(await anonymous({ path: '/orders', body: { item: 'tea' } })).toMatchObject({
      status: 201,
      body: { ordered: { item: 'tea' } },
    });
  });

  test('keeps its own headers: nothing of ours is on its answers', async () => {
    const { headers } = await anonymous({ path: '/orders', body: {} });
    expect(headers.get('x-powered-by')).toBe('Express');
    for (const ours of ['content-security-policy', 'quarterdeck-request-id', 'x-request-id', 'cache-control'])
      expect([ours, headers.get(ours)]).toEqual([ours, null]);
  });

  test('says itself what it does not know', async () => {
    const answer = await anonymous({ path: '/nowhere' });
    expect(answer).toMatchObject({ status: 404, text: 'the host knows no such page' });
  });

  test('handles its own errors, and none of ours', async () => {
    expect(await anonymous({ path: '/broken' })).toMatchObject({ status: 500, text: 'the host is sorry' });
    expect(host.errors).toEqual(['The host broke.']);
    const ours = await anonymous({ path: '/internal/v1/nowhere' });
    expect(ours.status).toBe(401);
    expect(ours.headers.get('content-type')).toContain('application/problem+json');
    expect((await asked({ path: '/internal/v1/nowhere' })).body).toMatchObject({ code: 'not_found' });
    expect(host.errors).toEqual(['The host broke.']);
  });
});
