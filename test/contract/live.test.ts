/** Live updates of the whole system: a bulk job is followed from its acceptance to its end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { account } from './bad-input.ts';
import { ask, type Running, startQuarterdeck } from './running.ts';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly total: number;
  readonly succeeded: number;
  readonly position: number;
}
interface Update {
  readonly topic: string;
  readonly seq: number;
  readonly data: unknown;
}

let running: Running;
const sockets: Socket[] = [];
beforeAll(async () => {
  running = await startQuarterdeck();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});
afterAll(() => running.stop());

const follow = async (served: Running, cookie: string, topics: readonly string[]) => {
  const extraHeaders = { cookie, origin: served.base };
  const socket = io(served.base, {
    path: '/internal/live',
    transports: ['websocket'],
    extraHeaders,
    forceNew: true,
  });
  sockets.push(socket);
  const updates: Update[] = [];
  socket.on('update', (update: Update) => updates.push(update));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', reject);
  });
  for (const topic of topics)
    expect(await socket.emitWithAck('subscribe', { topic })).toMatchObject({ ok: true });
  return { socket, updates };
};

const upload = async (prefix: string, count: number): Promise<Job> => {
  const rows = Array.from({ length: count }, (_, n) =>
    JSON.stringify(account({ accountId: `${prefix}-${n}` })),
  );
  const answer = await ask(running.base, await running.cookieOf('ops'), {
    path: '/internal/v1/bulk-jobs?command=open-account',
    body: rows.join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  });
  expect(answer.status).toBe(202);
  return answer.body as never;
};

const jobsIn = ({ data }: Update): readonly Job[] => data as readonly Job[];
const ended = (updates: readonly Update[], id: string): boolean =>
  updates.some(
    (update) =>
      update.topic === 'bulk-jobs' &&
      jobsIn(update).some((job) => job.id === id && job.state === 'completed'),
  );

test('a job is seen from its acceptance to its end, and what is seen never goes back', async () => {
  const { updates } = await follow(running, await running.cookieOf('ops'), ['bulk-jobs', 'system']);
  const job = await upload('seen', 3_000);
  while (!ended(updates, job.id)) await sleep(20);
  const states = updates
    .filter(({ topic }) => topic === 'bulk-jobs')
    .flatMap(jobsIn)
    .filter(({ id }) => id === job.id);
  const counts = states.map(({ succeeded }) => succeeded);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(states.at(-1)).toMatchObject({ state: 'completed', total: 3_000, succeeded: 3_000 });
  const heads = updates.filter(({ topic }) => topic === 'system').map(({ seq }) => seq);
  expect(heads).toEqual(heads.toSorted((a, b) => a - b));
});

test('whoever subscribes to one job gets it as it is, and its end', async () => {
  const job = await upload('one', 2_000);
  const { socket, updates } = await follow(running, await running.cookieOf('ops'), []);
  const ack = await socket.emitWithAck('subscribe', { topic: `bulk-jobs/${job.id}` });
  expect(ack).toMatchObject({ ok: true, snapshot: { id: job.id, total: 2_000 } });
  const state = () => (updates.at(-1)?.data ?? ack.snapshot) as Job;
  while (state().state !== 'completed') await sleep(20);
  expect(state().succeeded).toBe(2_000);
});

test('another process, which does none of the work, tells the same', async () => {
  const second = await startQuarterdeck({ QUARTERDECK_ROLE: 'api' }, running);
  try {
    const { updates } = await follow(second, await running.cookieOf('ops'), ['bulk-jobs', 'accounts/seen-0']);
    const job = await upload('beside', 1_000);
    while (!ended(updates, job.id)) await sleep(20);
    await ask(running.base, await running.cookieOf('ops'), {
      path: '/internal/v1/commands/suspend-account',
      body: { accountId: 'seen-0', reason: 'to be seen' },
    });
    const isSuspended = ({ topic, data }: Update) =>
      topic === 'accounts/seen-0' && (data as { status: string }).status === 'suspended';
    while (!updates.some(isSuspended)) await sleep(20);
  } finally {
    await second.stop();
  }
});

test('an export is seen from its acceptance to its end, by its owner and by nobody who may see only their own', async () => {
  const { updates } = await follow(running, await running.cookieOf('ops'), ['exports']);
  const others = await follow(running, await running.cookieOf('billing'), ['exports']);
  const all = await follow(running, await running.cookieOf('compliance'), ['exports']);
  const { body } = await ask(running.base, await running.cookieOf('ops'), {
    path: '/internal/v1/exports',
    body: { query: 'accounts', format: 'csv' },
  });
  const ends = (seen: readonly Update[]) =>
    seen.some(({ data }) =>
      (data as readonly Job[]).some(({ id, state }) => id === body.id && state === 'completed'),
    );
  while (!ends(updates) || !ends(all.updates)) await sleep(20);
  expect(others.updates).toEqual([]);
  const ack = await all.socket.emitWithAck('subscribe', { topic: `exports/${body.id}` });
  expect(ack).toMatchObject({ ok: true, snapshot: { id: body.id, state: 'completed' } });
});

test('who may not see bulk work or the log is told so', async () => {
  const { socket } = await follow(running, await running.cookieOf('support'), ['system']);
  for (const topic of ['bulk-jobs', 'bulk-jobs/none', 'exports', 'exports/none', 'log']) {
    expect(await socket.emitWithAck('subscribe', { topic })).toMatchObject({
      ok: false,
      code: 'not_permitted',
    });
  }
});
