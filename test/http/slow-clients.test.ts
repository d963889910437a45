/** Clients that trickle hold nothing for long: neither by their head nor by their body. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Listening, listenOn } from '../../src/http/server.ts';

const slow = { graceMs: 200, bytesPerSecondMin: 500, lookEveryMs: 20 };

/** Reads the whole body, as all of our routes do, and says how long it was. */
const reading: RequestListener = (request, response) => {
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
  });
  request.on('end', () => response.end(String(size)));
};

const open = async ({ port }: Listening): Promise<{ socket: Socket; answered: () => string }> => {
  const socket = connect(port, '127.0.0.1');
  let answered = '';
  socket.on('data', (chunk) => {
    answered += chunk;
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return { socket, answered: () => answered };
};

const head = (length: number): string => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

/** However it was closed: who is cut off in the middle of a write sees a reset. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });

test('a head that trickles in is refused, and the connection is closed', async () => {
  const listening = await listenOn(reading, '127.0.0.1', 0, { headersTimeoutMs: 300 });
  const { socket, answered } = await open(listening);
  const trickle = setInterval(() => socket.write('X-Y: z\r\n'), 50);
  socket.write('GET / HTTP/1.1\r\n');
  await closed(socket);
  clearInterval(trickle);
  expect(answered()).toContain('The request took too long to arrive.');
  await listening.close(1_000);
});

test('a body that trickles in is cut off', async () => {
  const listening = await listenOn(reading, '127.0.0.1', 0, { slow });
  const { socket, answered } = await open(listening);
  socket.write(head(100_000));
  const trickle = setInterval(() => socket.write('x'), 20);
  await closed(socket);
  clearInterval(trickle);
  expect(answered()).toBe('');
  await listening.close(1_000);
});

test('a body that never comes is cut off, and one that keeps coming is read to its end', async () => {
  const listening = await listenOn(reading, '127.0.0.1', 0, { slow });
  const silent = await open(listening);
  silent.socket.write(head(10));
  const steady = await open(listening);
  steady.socket.write(head(20_000));
  for (let n = 0; n < 20; n++) {
    steady.socket.write('x'.repeat(1_000));
    await sleep(50);
  }
  await closed(silent.socket);
  while (!steady.answered().endsWith('20000')) await sleep(10);
  await listening.close(1_000);
});

test('a client is not cut off for what we ourselves have not read', async () => {
  let begin: (() => void) | undefined;
  const late: RequestListener = (request, response) => {
    begin = () => reading(request, response);
  };
  const listening = await listenOn(late, '127.0.0.1', 0, { slow });
  const { socket, answered } = await open(listening);
  socket.write(head(10) + 'x'.repeat(10));
  await sleep(5 * slow.graceMs);
  expect(socket.closed).toBe(false);
  begin?.();
  while (!answered().endsWith('10')) await sleep(10);
  await listening.close(1_000);
});
