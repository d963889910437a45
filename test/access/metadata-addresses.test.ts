/** Metadata that comes from an address: what is believed of it, and what a start does while it is silent. */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { kept } from '../../src/access/saml/kept-metadata.ts';
import { metadataSource } from '../../src/access/saml/metadata-source.ts';
import { openProviderDirectory } from '../../src/access/saml/provider-directory.ts';
import { issuer, metadataOf, minutes, newEllipticKey, newSigningKey } from './messages.ts';

let folder: string;
let server: Server;
let url: string;
let respond: (response: ServerResponse) => void;
const faults: string[] = [];
const recorded: (readonly [string, string])[] = [];
const key = newSigningKey();

beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), 'quarterdeck-metadata-')), 'data');
  faults.length = 0;
  recorded.length = 0;
  respond = (response) => response.end(metadataOf({ keys: [key] }));
  server = createServer((_request, response) => respond(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(path.dirname(folder), { recursive: true, force: true });
});

const onError = (error: unknown) => faults.push(String(error));
const start = (setting = `idp=${url}`, now = new Date()) =>
  openProviderDirectory({
    sources: [kept(metadataSource(setting), { folder, onError })],
    clock: () => now,
    onError,
    record: async (provider, source) => void recorded.push([provider.id, source]),
  });

describe('an address', () => {
  test('that leads on to another is not followed, and the other is named', async () => {
    respond = (response) => response.writeHead(302, { location: 'https://idp.example/real' }).end();
    await expect(start()).rejects.toThrow('it leads on to https://idp.example/real: name that address');
  });

  test('whose answer has no end is not read to its end', async () => {
    let sent = 0;
    respond = (response) => {
      const more = () => {
        do sent += 64 * 1024;
        while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
      };
      response.on('drain', more);
      more();
    };
    await expect(start()).rejects.toThrow('it has more than 512 KiB');
    // What sockets hold on the way is more than what is read.
    expect(sent).toBeLessThan(8 * 1024 * 1024);
  });

  test('that fails is named with what it answered', async () => {
    respond = (response) => response.writeHead(503).end('later');
    await expect(start()).rejects.toThrow(`SAML metadata "idp=${url}" cannot be used: it answered 503`);
  });
});

describe('a start while the address fails', () => {
  const fail = () => {
    respond = (response) => response.writeHead(503).end();
  };

  test('goes on with what was read before the restart, and reports it', async () => {
    await start();
    fail();
    const provider = (await start()).byId('idp');
    expect([provider.entityId, provider.certificates]).toEqual([
      issuer,
      (await start()).byId('idp').certificates,
    ]);
    expect(faults[0]).toContain('it answered 503');
    expect(recorded.slice(0, 2)).toEqual([
      ['idp', url],
      ['idp', `a copy of ${url}`],
    ]);
  });

  test('keeps the newest copy, readable by nobody else', async () => {
    const next = newSigningKey();
    const directory = await start();
    respond = (response) => response.end(metadataOf({ keys: [key, next] }));
    await directory.refresh();
    fail();
    expect((await start()).byId('idp').certificates).toHaveLength(2);
    const files = await readdir(folder);
    expect(files).toEqual([expect.stringMatching(/^saml-metadata-idp-[0-9a-f]{16}\.xml$/)]);
    expect((await stat(path.join(folder, files[0] ?? ''))).mode & 0o077).toBe(0);
  });

  test('is none where nothing was read before, or was from another address or under another name', async () => {
    await start();
    fail();
    await expect(start(`idp=${url}-of-another`)).rejects.toThrow('it answered 503');
    await expect(start(`other=${url}`)).rejects.toThrow('it answered 503');
  });

  test('is none where what was read before is over', async () => {
    const validUntil = new Date(Date.now() + minutes(60)).toISOString();
    respond = (response) => response.end(metadataOf({ keys: [key], validUntil }));
    await start();
    fail();
    await start();
    const later = new Date(Date.now() + minutes(61));
    await expect(start(`idp=${url}`, later)).rejects.toThrow('is over (validUntil)');
  });

  test('is none where the copy cannot be read', async () => {
    await start();
    const [file] = await readdir(folder);
    await writeFile(path.join(folder, file ?? ''), 'nothing');
    fail();
    await expect(start()).rejects.toThrow('it answered 503');
  });
});

describe('a first start while one of several addresses fails', () => {
  const entityId = 'https://two.example/entity';
  const both = async () => {
    const file = path.join(path.dirname(folder), 'two.xml');
    await writeFile(file, metadataOf({ keys: [newSigningKey()], entityId }));
    return openProviderDirectory({
      sources: [`idp=${url}`, `two=${file}`].map((setting) =>
        kept(metadataSource(setting), { folder, onError }),
      ),
      clock: () => new Date(),
      onError,
      record: async () => undefined,
    });
  };
  const missingIn = ({ missing }: Awaited<ReturnType<typeof both>>) => missing().map(({ id }) => id);

  test.each([
    ['answers that it cannot', (response: ServerResponse) => response.writeHead(503).end()],
    ['answers something else', (response: ServerResponse) => response.end('<html></html>')],
    ['breaks off', (response: ServerResponse) => response.destroy()],
  ])('that %s goes well for the people of the others, and says who is missing', async (_, answer) => {
    respond = answer;
    const directory = await both();
    expect([directory.byId('two').entityId, missingIn(directory)]).toEqual([entityId, ['idp']]);
    expect(() => directory.byId('idp')).toThrow('not known here');
    expect(faults).toHaveLength(1);
  });

  test('is mended as soon as the address answers', async () => {
    respond = (response) => response.writeHead(503).end();
    const directory = await both();
    await directory.seekMissing();
    expect(missingIn(directory)).toEqual(['idp']);
    respond = (response) => response.end(metadataOf({ keys: [key] }));
    await directory.seekMissing();
    expect([directory.byId('idp').entityId, missingIn(directory)]).toEqual([issuer, []]);
  });

  test('lets nobody in who comes later as another that is known', async () => {
    respond = (response) => response.writeHead(503).end();
    const directory = await both();
    respond = (response) => response.end(metadataOf({ keys: [key], entityId }));
    await directory.seekMissing();
    expect(missingIn(directory)).toEqual(['idp']);
    expect(faults.at(-1)).toContain('the same entityId');
  });
});

describe('a signing certificate', () => {
  const certificates = async (...keys: Parameters<typeof metadataOf>[0]['keys']) => {
    respond = (response) => response.end(metadataOf({ keys }));
    return (await start()).byId('idp').certificates.length;
  };

  test('with a weak or another key than RSA is passed over, and spoils none beside it', async () => {
    expect(await certificates(newSigningKey(1024), key, newEllipticKey())).toBe(1);
  });

  test.each([
    ['weak', () => newSigningKey(1024)],
    ['elliptic', newEllipticKey],
  ])('that is %s is not enough by itself', async (_name, make) => {
    await expect(certificates(make())).rejects.toThrow(
      'no signing certificate with an RSA key of 2048 bits or more',
    );
  });
});
