/** What goes out to addresses that somebody else chose. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net';
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

test('an answer that changes the protocol is one like any other, and the connection is not kept', async () => {
  const [socket, server] = await new Promise<[Promise<unknown>, Server]>((resolve) => {
    const listening = createSocketServer();
    const gone = once(listening, 'connection').then(async ([socket]) => {
      await once(socket, 'data');
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n');
      await once(socket, 'close');
    });
    listening.listen(0, '127.0.0.1', () => resolve([gone, listening]));
  });
  const { port } = server.address() as AddressInfo;
  const post = createOutbound({ networks: ['127.0.0.0/8'], plain: true });
  expect(await post(`http://127.0.0.1:${port}/`, message, soon())).toMatchObject({ status: 101 });
  await socket;
  server.close();
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
