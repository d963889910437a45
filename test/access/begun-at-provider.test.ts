/** A sign-in that begins at the identity provider: only where its rules allow that, and never with somebody's answer to a request. */
import { newMessageId } from '../../src/access/saml/ledger.ts';
import { type Acme, openAcme } from './acme.ts';
import { Browser } from './browser.ts';
import { issuer, minutes, newSigningKey, type Said, saying, sealed } from './messages.ts';

let acme: Acme;
beforeAll(async () => {
  acme = await openAcme();
});
afterAll(() => acme.close());

const arriving = (relayState = '') => ({ browser: new Browser(acme.app.url), relayState });

const said = (changes: Partial<Said> = {}): Said =>
  saying(
    { id: '_none', url: acme.app.url, now: new Date() },
    { inResponseTo: undefined, responseInResponseTo: undefined, ...changes },
  );

test('is refused by default, and without an entry in the policy', async () => {
  await acme.applyRules();
  await acme.expectRefused(arriving(), sealed(said(), acme.key), 'unasked');
  await acme.applyRules('idpInitiated: false');
  await acme.expectRefused(arriving(), sealed(said(), acme.key), 'unasked');
});

describe('where the rules allow it', () => {
  beforeAll(() => acme.applyRules('idpInitiated: true'));

  test('signs in, and the log says who began', async () => {
    await acme.expectSignedIn(arriving(), sealed(said(), acme.key));
    const event = (await acme.app.recorded()).findLast(({ type }) => type === 'SignedIn');
    expect(event?.data).toEqual({ provider: 'acme', roles: ['reader'], begunBy: 'provider' });
  });

  test.each([
    ['/accounts?status=active', '/accounts?status=active'],
    ['https://evil.example/', '/'],
    ['//evil.example', '/'],
    ['/auth/logout', '/'],
    ['default', '/'],
    ['', '/'],
  ])('RelayState %j leads to %s', async (relayState, location) => {
    const done = await acme.post(arriving(relayState), sealed(said(), acme.key));
    expect([done.status, done.headers.get('location')]).toEqual([303, location]);
  });

  test('the same assertion signs in once, also in another process', async () => {
    const xml = sealed(said(), acme.key);
    await acme.expectSignedIn(arriving(), xml);
    await acme.expectRefused(arriving(), xml, 'replay');
    const other = await acme.another();
    try {
      const form = new URLSearchParams({ SAMLResponse: Buffer.from(xml).toString('base64') });
      expect((await new Browser(other.url).go('POST', '/auth/saml/acs', form)).status).toBe(403);
      expect((await other.recorded()).at(-1)?.data).toEqual({ provider: 'acme', why: 'replay' });
    } finally {
      await other.stop();
    }
  });

  test('a sign-in that we began still needs its request and its browser', async () => {
    const begun = await acme.begin();
    await acme.expectRefused(begun, sealed(said(), acme.key), 'in-response-to');
    await acme.expectRefused(
      { browser: new Browser(acme.app.url), relayState: begun.relayState },
      sealed(saying(begun.request), acme.key),
      'other-browser',
    );
  });

  const cases: readonly (readonly [string, string, () => string])[] = [
    [
      'somebody’s answer to a request, with RelayState left out',
      'request-unknown',
      () => sealed(said({ inResponseTo: '_theirs', responseInResponseTo: '_theirs' }), acme.key),
    ],
    [
      'somebody’s answer to a request, freed of what the response says of it',
      'in-response-to',
      () => sealed(said({ inResponseTo: '_theirs' }), acme.key),
    ],
    [
      'an unsigned one',
      'signature',
      () => sealed(said(), acme.key).replace(/<ds:Signature[\s\S]*<\/ds:Signature>/, ''),
    ],
    ['one signed by another', 'signature', () => sealed(said(), newSigningKey())],
    ['one for another audience', 'audience', () => sealed(said({ audience: 'https://x.example' }), acme.key)],
    [
      'one for another recipient',
      'recipient',
      () => sealed(said({ recipient: 'https://x.example' }), acme.key),
    ],
    [
      'one that is over',
      'confirmation-time',
      () =>
        sealed(said({ confirmationNotOnOrAfter: new Date(Date.now() - minutes(1)).toISOString() }), acme.key),
    ],
    [
      'one of a provider that nobody knows',
      'provider-unknown',
      () =>
        sealed(said({ responseIssuer: 'https://x.example', assertionIssuer: 'https://x.example' }), acme.key),
    ],
    [
      'one whose assertion is of another provider than its response',
      'assertion-issuer',
      () => sealed(said({ responseIssuer: issuer, assertionIssuer: 'https://x.example' }), acme.key),
    ],
  ];
  test.each(cases)('%s is refused', async (_name, why, make) => {
    await acme.expectRefused(arriving(newMessageId()), make(), why);
  });
});
