/** What goes out to addresses that somebody else chose. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AddressRefused, createOutbound } from '../../src/webhooks/outbound.ts';
import { until } from '../setup/until.ts';

const message = { body: '{}', headers: {} };
const soon = () => AbortSignal.timeout(10_000);

test('a name is refused for the address that it stands for', async () => {
  const post = createOutbound({ networks: [], plain: true });
  await expect(post('http://localhost:9/', message, soon())).rejects.toBeInstanceOf(AddressRefused);
});

test('what a setting allows may be reached, by address and by name', async () => {
  const server = createServer((_request, response) => response.writeHead(202).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const post = createOutbound({ networks: ['127.0.0.0/8', '::1/128'], plain: true });
  expect(await post(`http://127.0.0.1:${port}/`, message, soon())).toMatchObject({ status: 202 });
  const narrow = createOutbound({ networks: ['10.0.0.0/8'], plain: true });
  await expect(narrow(`http://127.0.0.1:${port}/`, message, soon())).rejects.toBeInstanceOf(AddressRefused);
  server.close();
});

test('in production nothing goes by http', async () => {
  const post = createOutbound({ networks: ['127.0.0.0/8'], plain: false });
  await expect(post('http://127.0.0.1:9/', message, soon())).rejects.toBeInstanceOf(AddressRefused);
});

test('an answer without end is not read to its end', async () => {
  let closed = false;
  const server = createServer((_request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(Buffer.alloc(64 * 1024)), 5);
    response.on('close', () => {
      closed = true;
      clearInterval(timer);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const post = createOutbound({ networks: ['127.0.0.0/8'], plain: true });
  expect(await post(`http://127.0.0.1:${port}/`, message, soon())).toMatchObject({ status: 200 });
  server.close();
  await once(server, 'close');
  await until(() => closed);
});

test('a receiver that never answers is left when the time is over', async () => {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const post = createOutbound({ networks: ['127.0.0.0/8'], plain: true });
  await expect(post(`http://127.0.0.1:${port}/`, message, AbortSignal.timeout(200))).rejects.toThrow();
  server.closeAllConnections();
  server.close();
});
