/** Identity providers change: keys, addresses, the day until which all of it holds. No restart is needed. */
import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { logoutRequestXml } from '../../src/access/saml/logout-message.ts';
import { metadataSource } from '../../src/access/saml/metadata-source.ts';
import { openProviderDirectory } from '../../src/access/saml/provider-directory.ts';
import { signElement } from '../../src/access/saml/signed-xml.ts';
import { type Acme, openAcme } from './acme.ts';
import { Browser } from './browser.ts';
import {
  beginSignIn,
  issuer,
  metadataOf,
  minutes,
  newSigningKey,
  postAnswer,
  saying,
  sealed,
} from './messages.ts';
import { signedResponse } from './signing.ts';

let acme: Acme;
beforeEach(async () => {
  acme = await openAcme();
});
afterEach(() => acme.close());

const signsIn = async (key = acme.key): Promise<number> => {
  const begun = await acme.begin();
  return (await postAnswer(begun, sealed(saying(begun.request), key))).status;
};

describe('a provider that changes its key', () => {
  test('signs with either while it publishes both, and with the new one alone afterwards', async () => {
    const next = newSigningKey();
    await acme.publish({ keys: [acme.key, next] });
    await acme.app.sso.directory.refresh();
    expect([await signsIn(), await signsIn(next)]).toEqual([303, 303]);
    await acme.publish({ keys: [next] });
    await acme.app.sso.directory.refresh();
    expect([await signsIn(), await signsIn(next)]).toEqual([403, 303]);
  });

  test('without having said so before is believed at once, its metadata being read anew', async () => {
    const next = newSigningKey();
    await acme.publish({ keys: [next] });
    expect(await signsIn(next)).toBe(303);
    expect(await signsIn()).toBe(403);
  });

  test('is asked again once a minute at most, however many strange signatures come', async () => {
    const next = newSigningKey();
    expect(await signsIn(newSigningKey())).toBe(403);
    await acme.publish({ keys: [next] });
    expect([await signsIn(next), await signsIn(next)]).toEqual([403, 403]);
    acme.app.clock.now = new Date(acme.app.clock.now.getTime() + minutes(1));
    expect(await signsIn(next)).toBe(303);
  });

  test('is also believed when it asks for a sign-out first', async () => {
    const begun = await acme.begin();
    await acme.expectSignedIn(begun, sealed(saying(begun.request), acme.key));
    const next = newSigningKey();
    await acme.publish({ keys: [next] });
    const destination = `${acme.app.url}/auth/saml/slo`;
    const envelope = { id: '_bye', issuer, destination, now: new Date() };
    const xml = signElement(
      logoutRequestXml({ ...envelope, nameId: 'someone', sessionIndex: undefined }),
      '_bye',
      next,
    );
    const form = new URLSearchParams({ SAMLRequest: Buffer.from(xml).toString('base64') });
    expect((await new Browser(acme.app.url).go('POST', '/auth/saml/slo', form)).status).toBe(303);
    expect((await begun.browser.get('/internal/v1/me')).status).toBe(401);
  });
});

describe('the log', () => {
  const fingerprint = (key: { certificate: string }) => new X509Certificate(key.certificate).fingerprint256;
  const told = async () =>
    (await acme.app.log.readStreams(['$identity-provider-acme'])).map(({ type, data, metadata }) => ({
      type,
      added: data.added,
      removed: data.removed,
      source: data.source,
      actor: metadata.actor,
    }));
  const system = { id: 'system', kind: 'system' };

  test('says whose signatures are believed from when on, once, whichever process read it first', async () => {
    const type = 'ProviderKeysChanged';
    const source = acme.file;
    const first = { type, added: [fingerprint(acme.key)], removed: [], source, actor: system };
    expect(await told()).toEqual([first]);
    const other = await acme.another();
    try {
      const next = newSigningKey();
      await acme.publish({ keys: [acme.key, next] });
      await Promise.all([acme.app.sso.directory.refresh(), other.sso.directory.refresh()]);
      const second = { ...first, added: [fingerprint(next)] };
      expect(await told()).toEqual([first, second]);
      await acme.publish({ keys: [next] });
      await other.sso.directory.refresh();
      await acme.app.sso.directory.refresh();
      expect(await told()).toEqual([
        first,
        second,
        { ...first, added: [], removed: [fingerprint(acme.key)] },
      ]);
    } finally {
      await other.stop();
    }
  });

  test('knows of a change by a forged-looking signature, before anybody signs in by the new key', async () => {
    const next = newSigningKey();
    await acme.publish({ keys: [next] });
    expect(await signsIn(next)).toBe(303);
    const events = await acme.app.log.read({ after: 0, limit: 1_000 });
    const at = (type: string) => events.events.findLast((event) => event.type === type)?.position ?? 0;
    expect(at('ProviderKeysChanged')).toBeGreaterThan(0);
    expect(at('ProviderKeysChanged')).toBeLessThan(at('SignedIn'));
  });

  test('knows of a change that came while no process ran', async () => {
    const next = newSigningKey();
    await acme.publish({ keys: [next] });
    const other = await acme.another();
    await other.stop();
    expect((await told()).at(-1)).toMatchObject({
      added: [fingerprint(next)],
      removed: [fingerprint(acme.key)],
    });
  });
});

test('metadata is read again every so often by itself', async () => {
  const often = await openAcme({ metadataEveryMs: 20 });
  try {
    const next = newSigningKey();
    await often.publish({ keys: [next] });
    const known = () => often.app.sso.directory.byId('acme').certificates.length;
    await often.publish({ keys: [often.key, next] });
    while (known() < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(known()).toBe(2);
  } finally {
    await often.close();
  }
});

describe('metadata that turns bad', () => {
  test.each(['missing', 'broken', 'of another provider'])(
    '(%s) is reported, and what was read before stays',
    async (how) => {
      const other = newSigningKey();
      if (how === 'of another provider')
        await acme.publish({ keys: [other], entityId: 'https://other.example' });
      if (how === 'missing') await acme.publish({ keys: [] });
      if (how === 'broken') await acme.publish({ keys: [other], validUntil: 'soon' });
      await acme.app.sso.directory.refresh();
      expect(acme.app.faults).toHaveLength(1);
      expect(await signsIn()).toBe(303);
      expect(await signsIn(other)).toBe(403);
    },
  );
});

describe('metadata that is over', () => {
  test('signs nobody in, in neither step, and the log says why', async () => {
    const begun = await acme.begin();
    const validUntil = new Date(Date.now() + minutes(1)).toISOString();
    await acme.publish({ keys: [acme.key], validUntil });
    await acme.app.sso.directory.refresh();
    expect(await signsIn()).toBe(303);
    acme.app.clock.now = new Date(Date.now() + minutes(2));
    const answer = await postAnswer(begun, sealed(saying(begun.request), acme.key));
    const login = await new Browser(acme.app.url).get('/auth/saml/login');
    expect([answer.status, login.status]).toEqual([403, 403]);
    const reasons = (await acme.app.recorded()).slice(-2).map(({ data }) => data);
    expect(reasons).toEqual(Array(2).fill({ provider: 'acme', why: 'metadata-expired' }));
  });

  test('is used again when it is renewed', async () => {
    // By hours, because the app's clock stands still while the test goes on.
    const validUntil = new Date(Date.now() - minutes(60)).toISOString();
    await acme.publish({ keys: [acme.key], validUntil });
    await acme.app.sso.directory.refresh();
    expect((await new Browser(acme.app.url).get('/auth/saml/login')).status).toBe(403);
    await acme.publish({ keys: [acme.key], validUntil: new Date(Date.now() + minutes(60)).toISOString() });
    await acme.app.sso.directory.refresh();
    expect(await signsIn()).toBe(303);
  });

  test('stops the start with a sentence', async () => {
    await acme.publish({ keys: [acme.key], validUntil: '2020-01-01T00:00:00Z' });
    const opening = openProviderDirectory({
      sources: [metadataSource(acme.file)],
      clock: () => new Date(),
      onError: () => undefined,
      record: async () => undefined,
    });
    await expect(opening).rejects.toThrow('the SAML metadata of "acme" is over (validUntil)');
  });
});

describe('several providers', () => {
  let server: Server;
  let url: string;
  let published: string;
  const key = newSigningKey();
  const entityId = 'https://two.example/entity';

  beforeEach(async () => {
    published = metadataOf({ keys: [key], entityId });
    server = createServer((_request, response) => response.end(published));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const policy = `
roles: { reader: { permissions: [accounts:read] }, writer: { permissions: [accounts:*] } }
providers:
  acme: { groups: { staff: reader } }
  two: { groups: { staff: writer }, signed: response, names: { groups: memberOf } }
tools: { console: { scope: ['*'] } }
`;

  test('from a file and a URL sign in their own people, each by its own rules', async () => {
    const both = await openAcme({ metadata: [acme.file, `two=${url}`] });
    const { app } = both;
    try {
      await app.access.applyPolicy(policy, 'p.yaml');
      const choice = await new Browser(app.url).get('/auth/saml/login');
      expect([choice.status, choice.text.match(/provider=\w+/g)]).toEqual([
        200,
        ['provider=acme', 'provider=two'],
      ]);

      const me = async (provider: string, xml: (said: ReturnType<typeof saying>) => string, changes = {}) => {
        const address = `/auth/saml/login?provider=${provider}`;
        const begun = await beginSignIn(new Browser(app.url), app.url, address);
        const answer = await postAnswer(begun, xml(saying(begun.request, changes)));
        if (answer.status !== 303) return answer.status;
        return JSON.parse((await begun.browser.get('/internal/v1/me')).text);
      };
      const ofTwo = {
        responseIssuer: entityId,
        assertionIssuer: entityId,
        attributes:
          '<saml:AttributeStatement><saml:Attribute Name="memberOf"><saml:AttributeValue>staff</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>',
      };
      const one = await me('acme', (said) => sealed(said, acme.key));
      const two = await me('two', (said) => signedResponse(said, key), ofTwo);
      expect([one.roles, two.roles]).toEqual([['reader'], ['writer']]);
      expect(one.principal.id).not.toBe(two.principal.id);
      // Neither speaks for the other, although both are trusted.
      expect(await me('acme', (said) => sealed(said, key))).toBe(403);
      expect(await me('acme', (said) => signedResponse(said, key), ofTwo)).toBe(403);
      expect(await me('two', (said) => signedResponse(said, acme.key), ofTwo)).toBe(403);
    } finally {
      await both.close();
    }
  });

  test('of a URL that fails later stay as they were', async () => {
    const faults: unknown[] = [];
    const directory = await openProviderDirectory({
      sources: [metadataSource(`two=${url}`)],
      clock: () => new Date(),
      onError: (error) => faults.push(error),
      record: async () => undefined,
    });
    published = 'gone';
    await directory.refresh();
    expect([directory.byId('two').entityId, faults.length]).toEqual([entityId, 1]);
  });

  test('must not be the same, by name or by entity id', async () => {
    const sources = (settings: readonly string[]) => ({
      sources: settings.map(metadataSource),
      clock: () => new Date(),
      onError: () => undefined,
      record: async () => undefined,
    });
    await expect(openProviderDirectory(sources([`x=${url}`, `x=${acme.file}`]))).rejects.toThrow(
      'same id "x"',
    );
    await expect(openProviderDirectory(sources([`x=${url}`, `y=${url}`]))).rejects.toThrow('same entityId');
  });

  test('are read over https only, but for this machine', () => {
    expect(() => metadataSource('x=http://idp.example/metadata')).toThrow('must begin with https://');
    expect(metadataSource('x=https://idp.example/metadata').id).toBe('x');
  });
});
