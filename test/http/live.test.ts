/** Live topics: who may listen, what they get, and when they stop getting it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { strangersOfAddressMax } from '../../src/http/live/strangers.ts';
import { type Office, openOffice } from './office.ts';

let office: Office;
const sockets: Socket[] = [];
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});
afterAll(() => office.close());

const open = (cookie: string | undefined, origin = office.base): Socket => {
  const extraHeaders: Record<string, string> = { origin, ...(cookie === undefined ? {} : { cookie }) };
  const socket = io(office.base, {
    path: '/internal/live',
    transports: ['websocket'],
    extraHeaders,
    reconnection: false,
    forceNew: true,
  });
  sockets.push(socket);
  return socket;
};
const connected = async (group: 'clerks' | 'auditors'): Promise<Socket> => {
  const socket = open(await office.signIn(group));
  await next(socket, 'connect');
  return socket;
};
const next = (socket: Socket, event: string): Promise<unknown[]> =>
  new Promise((resolve) => {
    socket.once(event, (...values: unknown[]) => resolve(values));
  });
const refusal = (socket: Socket): Promise<Error & { data?: { code: string } }> =>
  new Promise((resolve, reject) => {
    socket.once('connect_error', resolve);
    socket.once('connect', () => reject(new Error('connected')));
  });

type Update = { topic: string; seq: number; data: unknown };
type Envelope = { position: number; stream: string };
const updatesOf = (socket: Socket): Update[] => {
  const updates: Update[] = [];
  socket.on('update', (update: Update) => updates.push(update));
  return updates;
};
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await sleep(10);
};

const post = async (cookie: string, parcelId: string = randomUUID()): Promise<number> => {
  const answer = await fetch(`${office.base}/internal/v1/commands/post-parcel`, {
    method: 'POST',
    body: JSON.stringify({ parcelId, to: 'Ada Lovelace', weight: 1 }),
    headers: { 'content-type': 'application/json', origin: office.base, cookie },
  });
  return ((await answer.json()) as { position: number }).position;
};

/** Waits until rows reflect the position. */
const reached = async (position: number): Promise<void> => {
  const headers = { cookie: await office.signIn('clerks'), 'quarterdeck-min-position': String(position) };
  await fetch(`${office.base}/internal/v1/parcels?limit=1`, { headers });
};

describe('a socket', () => {
  test('without a session is refused', async () => {
    expect((await refusal(open(undefined))).data).toMatchObject({ code: 'not_authenticated' });
    expect((await refusal(open('quarterdeck=made-up'))).data).toMatchObject({ code: 'not_authenticated' });
  });

  test('from a page of another origin is refused, session or not', async () => {
    const socket = open(await office.signIn('clerks'), 'https://evil.example');
    expect((await refusal(socket)).data).toMatchObject({ code: 'not_permitted' });
  });

  test('is closed when its session ends', async () => {
    const cookie = await office.signIn('clerks');
    const socket = open(cookie);
    await next(socket, 'connect');
    const closed = next(socket, 'disconnect');
    await office.access.sessions.revoke(cookie.split('=')[1] ?? '');
    await closed;
    expect((await refusal(open(cookie))).data).toMatchObject({ code: 'not_authenticated' });
  });

  test('stays open when somebody else’s session ends', async () => {
    const socket = await connected('clerks');
    const other = await office.signIn('clerks');
    const theirs = open(other);
    await next(theirs, 'connect');
    const closed = next(theirs, 'disconnect');
    await office.access.sessions.revoke(other.split('=')[1] ?? '');
    await closed;
    expect(socket.connected).toBe(true);
  });
});

describe('sockets that nobody signed in on', () => {
  /** A handshake without a word behind it; undefined where it was refused. */
  const stranger = (): Promise<Duplex | undefined> =>
    new Promise((resolve, reject) => {
      const asking = request(`${office.base}/internal/live/?EIO=4&transport=websocket`, {
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': randomBytes(16).toString('base64'),
        },
      });
      asking.once('upgrade', (_answer, socket) => resolve(socket.resume()));
      asking.once('response', (answer) => resolve(void answer.resume()));
      asking.once('error', reject);
      asking.end();
    });
  const closed = (socket: Duplex | undefined): Promise<void> =>
    new Promise((resolve) => {
      if (socket === undefined || socket.closed) resolve();
      socket?.once('close', () => resolve());
    });

  test('are few, are closed after a while, and keep nobody out who is signed in', async () => {
    const all = await Promise.all(Array.from({ length: 60 }, stranger));
    const open = all.filter((socket) => socket !== undefined);
    expect(open).toHaveLength(strangersOfAddressMax);
    await connected('clerks');
    // None of them was closed by anything but the deadline, after which there is room again.
    await Promise.all(open.map(closed));
    const again = await stranger();
    expect(again).toBeDefined();
    again?.destroy();
  });

  test('that leave make room', async () => {
    for (let n = 0; n < 3 * strangersOfAddressMax; n++) {
      const socket = await stranger();
      expect([n, socket]).toEqual([n, expect.anything()]);
      socket?.destroy();
      await closed(socket);
    }
  });
});

describe('subscribing', () => {
  test('gives a snapshot and the position that it reflects', async () => {
    const socket = await connected('clerks');
    const ack = await socket.emitWithAck('subscribe', { topic: 'system' });
    expect(ack).toMatchObject({ ok: true, snapshot: { jobsRunning: 0 } });
    expect(ack.seq).toBe(ack.snapshot.head);
  });

  test('to what one may not see is refused', async () => {
    const socket = await connected('clerks');
    expect(await socket.emitWithAck('subscribe', { topic: 'log' })).toMatchObject({
      ok: false,
      code: 'not_permitted',
    });
  });

  test('to nothing that exists is refused', async () => {
    const socket = await connected('clerks');
    for (const topic of ['nothing', 'log/1', 'system/', '__proto__', 'constructor']) {
      expect(await socket.emitWithAck('subscribe', { topic })).toMatchObject({
        ok: false,
        code: 'not_found',
      });
    }
  });

  test.each([
    [undefined],
    [null],
    ['log'],
    [{}],
    [{ topic: 7 }],
    [{ topic: '' }],
    [{ topic: 'x'.repeat(300) }],
    [{ topic: 'accounts/a\u0000' }],
    [[]],
  ])('with %j is answered with what was wrong', async (message) => {
    const socket = await connected('clerks');
    expect(await socket.emitWithAck('subscribe', message)).toMatchObject({
      ok: false,
      code: 'invalid_input',
    });
  });

  test('without wanting an answer harms nobody', async () => {
    const socket = await connected('clerks');
    socket.emit('subscribe');
    socket.emit('subscribe', { topic: 'system' }, 'not a function');
    expect(await socket.emitWithAck('subscribe', { topic: 'system' })).toMatchObject({ ok: true });
  });

  test('by the hundred without waiting for answers is refused beyond a hundred, and harms nobody', async () => {
    const socket = await connected('clerks');
    const asked = Array.from({ length: 300 }, () => socket.emitWithAck('subscribe', { topic: 'system' }));
    const codes = new Set((await Promise.all(asked)).map(({ ok, code }) => (ok ? 'ok' : code)));
    expect([...codes].sort()).toEqual(['ok', 'too_many_requests']);
    expect(await socket.emitWithAck('subscribe', { topic: 'system' })).toMatchObject({ ok: true });
  });

  test('to one topic again and again counts once; to more than a hundred is refused', async () => {
    const socket = await connected('clerks');
    for (let n = 0; n < 3; n++)
      expect(await socket.emitWithAck('subscribe', { topic: 'system' })).toMatchObject({ ok: true });
    const cookie = await office.signIn('clerks');
    const parcels = Array.from({ length: 100 }, () => randomUUID());
    const positions = await Promise.all(parcels.map((parcelId) => post(cookie, parcelId)));
    await reached(Math.max(...positions));
    const acks = [];
    for (const id of parcels) acks.push(await socket.emitWithAck('subscribe', { topic: `parcels/${id}` }));
    expect(acks.slice(0, 99).every(({ ok }) => ok)).toBe(true);
    expect(acks[99]).toMatchObject({ ok: false, code: 'too_many_requests' });
    await socket.emitWithAck('unsubscribe', { topic: 'system' });
    expect(await socket.emitWithAck('subscribe', { topic: `parcels/${parcels[99]}` })).toMatchObject({
      ok: true,
    });
  });
});

describe('updates', () => {
  test('of the log are the envelopes of new events, without their data', async () => {
    const socket = await connected('auditors');
    const updates = updatesOf(socket);
    await socket.emitWithAck('subscribe', { topic: 'log' });
    const position = await post(await office.signIn('clerks'));
    await until(() => updates.some(({ seq }) => seq >= position));
    const events = updates.flatMap(({ data }) => data as Envelope[]);
    const event = events.find((known) => known.position === position);
    expect(event).toMatchObject({
      type: 'ParcelPosted',
      metadata: { command: 'post-parcel', actor: { kind: 'person' } },
    });
    expect(JSON.stringify(updates)).not.toMatch(/Ada Lovelace|127\.0\.0\.1/);
    expect(events.every(({ stream }) => !stream.startsWith('$'))).toBe(true);
  });

  test('of a row are the row as one may read it, without fields whose reads are recorded', async () => {
    const parcelId = randomUUID();
    await reached(await post(await office.signIn('clerks'), parcelId));
    const clerk = await connected('clerks');
    const auditor = await connected('auditors');
    const ack = await clerk.emitWithAck('subscribe', { topic: `parcels/${parcelId}` });
    expect(ack).toEqual({
      ok: true,
      seq: ack.seq,
      snapshot: { parcelId, status: 'posted', postage: '4.20', tags: {} },
    });
    const theirs = await auditor.emitWithAck('subscribe', { topic: `parcels/${parcelId}` });
    expect(theirs.snapshot).toMatchObject({ parcelId, margin: '1.10' });
    const updates = updatesOf(clerk);
    await fetch(`${office.base}/internal/v1/commands/lose-parcel`, {
      method: 'POST',
      body: JSON.stringify({ parcelId, reason: 'fell into the sea' }),
      headers: {
        'content-type': 'application/json',
        origin: office.base,
        cookie: await office.signIn('chiefs'),
      },
    });
    await until(() => updates.some(({ data }) => (data as { status: string }).status === 'lost'));
    expect(updates.every(({ topic, seq }) => topic === `parcels/${parcelId}` && seq >= ack.seq)).toBe(true);
    expect(await clerk.emitWithAck('subscribe', { topic: 'parcels/none' })).toMatchObject({
      ok: false,
      code: 'not_found',
    });
  });

  test('never go back, and the last one shows the newest state', async () => {
    const socket = await connected('clerks');
    const updates = updatesOf(socket);
    const { seq } = await socket.emitWithAck('subscribe', { topic: 'system' });
    const cookie = await office.signIn('clerks');
    const positions = await Promise.all(Array.from({ length: 60 }, () => post(cookie)));
    await until(() => updates.at(-1)?.seq === Math.max(...positions));
    const seqs = [seq as number, ...updates.map((update) => update.seq)];
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect(updates.length).toBeLessThan(60);
  });

  test('stop after unsubscribing', async () => {
    const socket = await connected('clerks');
    const updates = updatesOf(socket);
    await socket.emitWithAck('subscribe', { topic: 'system' });
    expect(await socket.emitWithAck('unsubscribe', { topic: 'system' })).toEqual({ ok: true });
    const other = await connected('clerks');
    const theirs = updatesOf(other);
    await other.emitWithAck('subscribe', { topic: 'system' });
    const position = await post(await office.signIn('clerks'));
    await until(() => theirs.some(({ seq }) => seq >= position));
    expect(updates.filter(({ seq }) => seq >= position)).toEqual([]);
  });

  test('of a topic that one may no longer see end, and the socket is told', async () => {
    const socket = await connected('auditors');
    await socket.emitWithAck('subscribe', { topic: 'log' });
    const ended = next(socket, 'ended');
    await office.access.applyPolicy(
      "roles:\n  clerk: { permissions: ['parcels:post', 'parcels:read'] }\n  auditor: { permissions: ['parcels:read'] }\nproviders:\n  test: { groups: { clerks: clerk, auditors: auditor } }\ntools:\n  console: { scope: ['*'] }\n",
      'narrower policy',
    );
    await office.access.policy.refresh();
    await office.live.recheck();
    expect((await ended)[0]).toEqual({ topic: 'log', code: 'not_permitted' });
  });
});
