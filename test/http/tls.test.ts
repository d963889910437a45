/** TLS and mutual TLS at our own door, with certificates that change while we run. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { selfSignedCertificate } from '../../src/access/saml/self-signed.ts';
import { type Listening, listenOn } from '../../src/http/server.ts';
import { openTls, type Tls } from '../../src/http/tls.ts';

interface Pair {
  readonly key: string;
  readonly cert: string;
}

const newPair = (name: string): Pair => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return { key, cert: selfSignedCertificate(key, name, new Date()) };
};

let folder: string;
const files = () => ({ cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') });
const write = (pair: Pair): void => {
  writeFileSync(files().cert, pair.cert);
  writeFileSync(files().key, pair.key);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quarterdeck-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const serve = (tls: Tls): Promise<Listening> =>
  listenOn((_request, response) => response.end('hello'), '127.0.0.1', 0, { tls });

/** What is answered, or the code of what went wrong. */
const ask = (port: number, options: { ca: string; cert?: string; key?: string }): Promise<string> =>
  new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, servername: 'localhost', agent: false, ...options });
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    asked.on('response', (response) => {
      response.resume();
      resolve(String(response.statusCode));
    });
    asked.end();
  });

test('what is asked over TLS is answered, with a version that is still safe', async () => {
  const pair = newPair('localhost');
  write(pair);
  const listening = await serve(await openTls(files(), fail));
  expect(await ask(listening.port, { ca: pair.cert })).toBe('200');
  const old = connect({ port: listening.port, ca: pair.cert, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
  const refused = await new Promise<string>((resolve) =>
    old.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code))),
  );
  expect(refused).toMatch(/^ERR_SSL_|ECONNRESET/);
  await listening.close(1_000);
});

test('without a certificate of the given authority nobody gets as far as HTTP', async () => {
  const server = newPair('localhost');
  const [ours, foreign] = [newPair('a tool'), newPair('somebody')];
  write(server);
  const clientCa = join(folder, 'clients.crt');
  writeFileSync(clientCa, ours.cert);
  const listening = await serve(await openTls({ ...files(), clientCa }, fail));
  expect(await ask(listening.port, { ca: server.cert, ...ours })).toBe('200');
  for (const shown of [{}, foreign])
    expect(await ask(listening.port, { ca: server.cert, ...shown })).toMatch(/^(ERR_SSL_|ECONNRESET|EPIPE)/);
  await listening.close(1_000);
});

test('a certificate that changes on disk is in force without a restart; a broken one is not', async () => {
  const [first, second] = [newPair('localhost'), newPair('localhost')];
  write(first);
  const faults: unknown[] = [];
  const tls = await openTls(files(), (error) => faults.push(error));
  const listening = await serve({ ...tls, follow: (server) => tls.follow(server, 20) });
  expect(await ask(listening.port, { ca: first.cert })).toBe('200');
  writeFileSync(files().cert, second.cert);
  while (faults.length === 0) await sleep(10);
  expect(String(faults[0])).toContain('are no certificate and its key');
  expect(await ask(listening.port, { ca: first.cert })).toBe('200');
  writeFileSync(files().key, second.key);
  while ((await ask(listening.port, { ca: second.cert })) !== '200') await sleep(10);
  await listening.close(1_000);
});

test('files that are missing or do not belong together stop the start with a sentence', async () => {
  await expect(openTls(files(), fail)).rejects.toThrow(/tls.crt cannot be read/);
  write({ key: newPair('localhost').key, cert: newPair('localhost').cert });
  await expect(openTls(files(), fail)).rejects.toThrow(/are no certificate and its key/);
});

const fail = (error: unknown): never => {
  throw error;
};
