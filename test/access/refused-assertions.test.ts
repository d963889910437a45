/**
 * What signs nobody in. Every message is real and signed with a key that is trusted, unless the test says
 * otherwise; each must be refused for the reason that the test names, and the log must say so.
 */
import { exclusiveC14n } from '../../src/access/saml/algorithms.ts';
import { newMessageId } from '../../src/access/saml/ledger.ts';
import { signElement } from '../../src/access/saml/signed-xml.ts';
import { type Acme, openAcme } from './acme.ts';
import { Browser } from './browser.ts';
import {
  assertionXml,
  type BegunSignIn,
  groups,
  issuer,
  minutes,
  newSigningKey,
  responseAround,
  type Said,
  saying,
  sealed,
} from './messages.ts';
import { signatureIn, signedWith, withoutSignature } from './signing.ts';

let acme: Acme;
beforeAll(async () => {
  acme = await openAcme();
});
afterAll(() => acme.close());

const begin = (browser?: Browser): Promise<BegunSignIn> => acme.begin(browser);
const expectRefused: Acme['expectRefused'] = (...given) => acme.expectRefused(...given);

test('an honest response signs in', async () => {
  const begun = await begin();
  await acme.expectSignedIn(begun, sealed(saying(begun.request), acme.key));
});

describe('properly signed but wrong', () => {
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
  const cases: readonly (readonly [string, string, () => Partial<Said>])[] = [
    ['another audience', 'audience', () => ({ audience: 'https://other.example' })],
    ['another Destination', 'destination', () => ({ destination: 'https://other.example/acs' })],
    ['another Recipient', 'recipient', () => ({ recipient: 'https://other.example/acs' })],
    [
      'another issuer of the assertion',
      'assertion-issuer',
      () => ({ assertionIssuer: 'https://other.example' }),
    ],
    [
      'another issuer of the response',
      'response-issuer',
      () => ({ responseIssuer: 'https://other.example' }),
    ],
    ['no issuer of the assertion', 'assertion-issuer', () => ({ assertionIssuer: '' })],
    ['no version of the assertion', 'version', () => ({ assertionVersion: '' })],
    [
      'sender-vouches',
      'confirmation-method',
      () => ({ method: 'urn:oasis:names:tc:SAML:2.0:cm:sender-vouches' }),
    ],
    [
      'holder-of-key',
      'confirmation-method',
      () => ({ method: 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key' }),
    ],
    [
      'a confirmation that is over',
      'confirmation-time',
      () => ({ confirmationNotOnOrAfter: ago(minutes(1)) }),
    ],
    [
      'a confirmation that has not begun',
      'confirmation-time',
      () => ({ confirmationNotBefore: ago(-minutes(1)) }),
    ],
    ['a confirmation that never ends', 'time', () => ({ confirmationNotOnOrAfter: undefined })],
    [
      'a session at the provider that is over',
      'session-time',
      () => ({
        authnStatement: `<saml:AuthnStatement AuthnInstant="${ago(0)}" SessionNotOnOrAfter="${ago(minutes(1))}"/>`,
      }),
    ],
    [
      'a sign-in in the future',
      'authn-statement',
      () => ({ authnStatement: `<saml:AuthnStatement AuthnInstant="${ago(-minutes(1))}"/>` }),
    ],
    [
      'a condition that nobody knows',
      'conditions',
      () => ({ conditions: '<x:OnlyOnSundays xmlns:x="urn:x"/>' }),
    ],
    ['conditions that are over', 'conditions-time', () => ({ notOnOrAfter: ago(minutes(1)) })],
    ['conditions that have not begun', 'conditions-time', () => ({ notBefore: ago(-minutes(1)) })],
    ['an IssueInstant in the future', 'issue-instant', () => ({ issueInstant: ago(-minutes(2)) })],
    ['a time without zone', 'confirmation-time', () => ({ confirmationNotOnOrAfter: '2999-01-01T00:00:00' })],
    ['a status of failure', 'status', () => ({ status: 'urn:oasis:names:tc:SAML:2.0:status:Responder' })],
    ['version 1.1 of the response', 'version', () => ({ responseVersion: '1.1' })],
    ['version 1.1 of the assertion', 'version', () => ({ assertionVersion: '1.1' })],
    ['no NameID', 'name-id', () => ({ nameId: '' })],
    ['a blank NameID', 'name-id', () => ({ nameId: '<saml:NameID>  </saml:NameID>' })],
    [
      'two NameIDs',
      'name-id',
      () => ({ nameId: '<saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID>' }),
    ],
    [
      'a transient NameID',
      'transient-name-id',
      () => ({
        nameId: '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">x</saml:NameID>',
      }),
    ],
    ['no AuthnStatement', 'authn-statement', () => ({ authnStatement: '' })],
    [
      'an unknown InResponseTo',
      'in-response-to',
      () => ({ inResponseTo: '_unknown', responseInResponseTo: '_unknown' }),
    ],
    ['no signed InResponseTo', 'in-response-to', () => ({ inResponseTo: undefined })],
    [
      'no InResponseTo at all',
      'in-response-to',
      () => ({ inResponseTo: undefined, responseInResponseTo: undefined }),
    ],
    ['InResponseTo right in the assertion only', 'in-response-to', () => ({ responseInResponseTo: '_x' })],
    ['InResponseTo right on the envelope only', 'in-response-to', () => ({ inResponseTo: '_unknown' })],
    ['a comment in the NameID', 'plain', () => ({ nameId: '<saml:NameID>admin<!-- -->x</saml:NameID>' })],
    ['CDATA in the NameID', 'plain', () => ({ nameId: '<saml:NameID>admin<![CDATA[x]]></saml:NameID>' })],
    ['an instruction in the NameID', 'plain', () => ({ nameId: '<saml:NameID>admin<?x y?>x</saml:NameID>' })],
  ];
  test.each(cases)('%s is refused', async (_name, why, changes) => {
    const begun = await begin();
    await expectRefused(begun, sealed(saying(begun.request, changes()), acme.key), why);
  });

  test('a clock that is 25 seconds off is not', async () => {
    const begun = await begin();
    const said = saying(
      { ...begun.request, now: new Date(Date.now() + 25_000) },
      { notBefore: ago(-25_000) },
    );
    expect((await acme.post(begun, sealed(said, acme.key))).status).toBe(303);
  });
});

describe('not signed as it must be', () => {
  const signedAssertion = (said: Said) => signElement(assertionXml(said), said.assertionId, acme.key);
  const signedHow = (s: Said, how: Parameters<typeof signedWith>[3]) =>
    responseAround(s, signedWith(assertionXml(s), s.assertionId, acme.key, how));

  /** The provider's signature of its own SignedInfo, and another one beside it that covers a forged assertion. */
  const twoInfos = (s: Said, together: (signature: string, signedInfo: string) => string): string => {
    const part = (name: string, xml: string) =>
      new RegExp(`<ds:${name}>[\\s\\S]*</ds:${name}>`).exec(xml)?.[0] ?? '';
    const honest = signedAssertion(s);
    const admin = assertionXml({ ...s, nameId: '<saml:NameID>admin</saml:NameID>' });
    const forged = signElement(admin, s.assertionId, newSigningKey()).replace(
      /<ds:SignatureValue>[^<]*<\/ds:SignatureValue>/,
      part('SignatureValue', honest),
    );
    const signature = together(signatureIn(forged), part('SignedInfo', honest));
    expect(signature.match(/<ds:SignedInfo>/g)).toHaveLength(2);
    return responseAround(s, forged.replace(signatureIn(forged), signature));
  };

  const cases: readonly (readonly [string, string, (said: Said) => string])[] = [
    ['no signature', 'signature', (s) => responseAround(s, assertionXml(s))],
    [
      'an emptied signature',
      'signature-form',
      (s) =>
        responseAround(
          s,
          signedAssertion(s).replace(
            signatureIn(signedAssertion(s)),
            '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>',
          ),
        ),
    ],
    [
      'an emptied signature value',
      'signature',
      (s) => sealed(s, acme.key).replace(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>'),
    ],
    ['a changed NameID', 'signature', (s) => sealed(s, acme.key).replace('>someone<', '>somebody<')],
    ['a changed group', 'signature', (s) => sealed(s, acme.key).replace('>staff<', '>admin<')],
    ['a stripped signature', 'signature', (s) => withoutSignature(sealed(s, acme.key))],
    ['the key of another, whose certificate is in KeyInfo', 'signature', (s) => sealed(s, newSigningKey())],
    [
      'the key of another, with the provider’s certificate in KeyInfo',
      'signature',
      (s) =>
        responseAround(s, signedWith(assertionXml(s), s.assertionId, newSigningKey(), { shown: acme.key })),
    ],
    [
      'a signed response around an unsigned assertion',
      'signature',
      (s) => signElement(responseAround(s, assertionXml(s)), '_response', acme.key),
    ],
    [
      'two assertions',
      'one-assertion',
      (s) => responseAround(s, signedAssertion(s) + assertionXml({ ...s, assertionId: '_evil' })),
    ],
    [
      'a signature over another element than its parent',
      'signature-form',
      (s) =>
        responseAround(
          s,
          assertionXml({ ...s, assertionId: '_evil' }).replace(
            '</saml:Issuer>',
            `</saml:Issuer>${signatureIn(signedAssertion(s))}`,
          ),
        ),
    ],
    [
      'the same ID twice',
      'unique-ids',
      (s) => sealed(s, acme.key).replace('ID="_response"', `ID="${s.assertionId}"`),
    ],
    [
      'two signatures',
      'signature-form',
      (s) =>
        responseAround(
          s,
          signedAssertion(s).replace('</saml:Issuer>', `</saml:Issuer>${signatureIn(signedAssertion(s))}`),
        ),
    ],
    [
      'SHA-1',
      'algorithm',
      (s) => signedHow(s, { signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' }),
    ],
    [
      'an HMAC whose secret is the provider’s certificate',
      'algorithm',
      (s) =>
        signedHow(s, {
          signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#hmac-sha1',
          secret: acme.key.certificate,
        }),
    ],
    [
      'an algorithm that nobody knows',
      'algorithm',
      (s) => sealed(s, acme.key).replace('xmldsig-more#rsa-sha256', 'xmldsig-more#rsa-sha257'),
    ],
    [
      'a SHA-1 digest',
      'algorithm',
      (s) => signedHow(s, { digestAlgorithm: 'http://www.w3.org/2000/09/xmldsig#sha1' }),
    ],
    [
      'a canonicalization that keeps comments',
      'algorithm',
      (s) => signedHow(s, { canonicalization: `${exclusiveC14n}WithComments` }),
    ],
    ...(
      [
        ['XSLT', 'http://www.w3.org/TR/1999/REC-xslt-19991116'],
        ['XPath', 'http://www.w3.org/TR/1999/REC-xpath-19991116'],
        ['base64', 'http://www.w3.org/2000/09/xmldsig#base64'],
      ] as const
    ).map(
      ([name, transform]) =>
        [
          `a foreign transform, ${name},`,
          'algorithm',
          (s: Said) =>
            sealed(s, acme.key).replace('http://www.w3.org/2000/09/xmldsig#enveloped-signature', transform),
        ] as const,
    ),
    ['an empty reference', 'signature-form', (s) => signedHow(s, { uri: '' })],
    [
      'an external reference',
      'signature-form',
      (s) => sealed(s, acme.key).replace(/URI="#[^"]*"/, 'URI="https://evil.example/"'),
    ],
    [
      'no reference',
      'signature-form',
      (s) => sealed(s, acme.key).replace(/<ds:Reference[\s\S]*<\/ds:Reference>/, ''),
    ],
    [
      'a forged SignedInfo beside the signed one',
      'signature-form',
      (s) => twoInfos(s, (signature, signed) => signature.replace('<ds:SignatureValue>', `${signed}$&`)),
    ],
    [
      'a forged SignedInfo, with the signed one in KeyInfo',
      'signature',
      (s) => twoInfos(s, (signature, signed) => signature.replace('<ds:KeyInfo>', `$&${signed}`)),
    ],
    [
      'a comment in the digest',
      'plain',
      (s) => sealed(s, acme.key).replace('<ds:DigestValue>', '<ds:DigestValue><!-- AAAA -->'),
    ],
    [
      'two digests in its reference',
      'signature',
      (s) => sealed(s, acme.key).replace(/<ds:DigestValue>[^<]*<\/ds:DigestValue>/, (value) => value + value),
    ],
    ['two references', 'signature-form', (s) => signedHow(s, { references: [s.assertionId, s.assertionId] })],
    [
      'the signature of another assertion of the same provider',
      'signature-form',
      (s) => {
        const other = signedAssertion({ ...s, assertionId: newMessageId() });
        return sealed(s, acme.key).replace(signatureIn(sealed(s, acme.key)), signatureIn(other));
      },
    ],
  ];
  test.each(cases)('%s is refused', async (_name, why, make) => {
    const begun = await begin();
    await expectRefused(begun, make(saying(begun.request)), why);
  });
});

describe('not a message at all', () => {
  const inRoot = (subset: string) => `<!DOCTYPE r ${subset}><r>x</r>`;
  const cases: readonly (readonly [string, string, string | Buffer])[] = [
    ['a DOCTYPE', 'doctype', '<!DOCTYPE r><r/>'],
    ['a DOCTYPE in lower case', 'doctype', '<!doctype r><r/>'],
    ['a DOCTYPE after the declaration', 'doctype', '<?xml version="1.0"?><!DOCTYPE r><r/>'],
    ['an entity', 'doctype', '<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>'],
    ['an external entity', 'doctype', inRoot('[<!ENTITY e SYSTEM "file:///etc/passwd">]')],
    ['a parameter entity', 'doctype', inRoot('[<!ENTITY % e SYSTEM "https://evil.example/x">%e;]')],
    ['an external DTD', 'doctype', inRoot('SYSTEM "https://evil.example/x.dtd"')],
    [
      'a billion laughs',
      'doctype',
      inRoot(
        `[<!ENTITY l0 "ha">${[1, 2, 3, 4, 5, 6, 7, 8, 9]
          .map((n) => `<!ENTITY l${n} "${`&l${n - 1};`.repeat(10)}">`)
          .join('')}]`,
      ),
    ],
    ['an entity that nobody defined', 'xml', '<r>&e;</r>'],
    ['a truncated document', 'xml', '<samlp:Response'],
    ['plain text', 'xml', 'hello'],
    ['JSON', 'xml', '{"Response":{}}'],
    ['HTML', 'plain', '<!-- x --><p>one<p>two'],
    ['nothing', 'field', ''],
    ['UTF-16', 'encoding', Buffer.from('\ufeff<r/>', 'utf16le')],
    ['UTF-16 that begins with its big end', 'encoding', Buffer.from('\ufeff<r/>', 'utf16le').swap16()],
    ['Latin-1', 'encoding', Buffer.from('<r>\u00fc</r>', 'latin1')],
    ['an image', 'encoding', Buffer.from('89504e470d0a1a0a', 'hex')],
    ['a deep document', 'depth', `${'<a>'.repeat(1_000)}${'</a>'.repeat(1_000)}`],
    ['a very deep document', 'depth', `${'<a>'.repeat(15_000)}${'</a>'.repeat(15_000)}`],
    ['a document of very many elements', 'size', `<r>${'<a/>'.repeat(30_000)}</r>`],
    ['a long document', 'size', `<r>${'x'.repeat(130 * 1024)}</r>`],
    [
      'a logout response',
      'response',
      '<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>',
    ],
    ['an unbound prefix', 'xml', '<x:Response/>'],
    ['two roots', 'xml', '<r/><r/>'],
  ];
  test.each(cases)('%s is refused', async (_name, why, xml) => {
    await expectRefused(await begin(), xml, why);
  });

  test('an honest message cut off anywhere is refused', async () => {
    const begun = await begin();
    const xml = sealed(saying(begun.request), acme.key);
    for (let length = 1; length < xml.length; length += 397) {
      await expectRefused(begun, xml.slice(0, length), 'xml');
    }
    await acme.expectSignedIn(begun, xml);
  });

  test('an instruction or a comment beside the message is refused', async () => {
    const begun = await begin();
    const xml = sealed(saying(begun.request), acme.key);
    for (const more of ['<?x y?>', '<!-- x -->']) {
      await expectRefused(begun, more + xml, 'plain');
      await expectRefused(begun, xml + more, 'plain');
    }
  });
});

describe('a form that is none', () => {
  const send = async (body: string, type = 'application/x-www-form-urlencoded') => {
    const begun = await begin();
    await acme.app.access.denials.flush(true);
    const before = (await acme.app.recorded()).length;
    const SAMLResponse = encodeURIComponent(
      Buffer.from(sealed(saying(begun.request), acme.key)).toString('base64'),
    );
    const filled = body.replaceAll('MESSAGE', SAMLResponse).replaceAll('STATE', begun.relayState);
    const answer = await fetch(`${acme.app.url}/auth/saml/acs`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': type, cookie: begun.browser.cookies() },
      body: filled,
    });
    const added = (await acme.app.recorded()).slice(before);
    return [answer.status, answer.headers.getSetCookie(), added.map(({ data }) => data.why)];
  };

  test.each([
    ['a repeated message', 'SAMLResponse=MESSAGE&SAMLResponse=MESSAGE&RelayState=STATE'],
    ['another message beside it', 'SAMLResponse=x&SAMLResponse=MESSAGE&RelayState=STATE'],
    ['an array', 'SAMLResponse[]=MESSAGE&RelayState=STATE'],
    ['an object', 'SAMLResponse[x]=MESSAGE&RelayState=STATE'],
    ['no message', 'RelayState=STATE'],
    ['a repeated RelayState', 'SAMLResponse=MESSAGE&RelayState=STATE&RelayState=STATE'],
    ['an empty RelayState beside it', 'SAMLResponse=MESSAGE&RelayState=STATE&RelayState='],
  ])('%s is refused', async (_name, body) => {
    expect(await send(body)).toEqual([403, [], ['field']]);
  });

  test.each([
    ['JSON', '{"SAMLResponse":"MESSAGE","RelayState":"STATE"}', 'application/json'],
    ['plain text', 'SAMLResponse=MESSAGE&RelayState=STATE', 'text/plain'],
  ])('%s is refused', async (_name, body, type) => {
    expect(await send(body, type)).toEqual([403, [], ['field']]);
  });

  test('a megabyte is too large, and so are a hundred fields', async () => {
    expect(await send(`SAMLResponse=${'x'.repeat(1_000_000)}`)).toEqual([413, [], ['size']]);
    expect(await send(`SAMLResponse=MESSAGE${'&x=y'.repeat(100)}`)).toEqual([413, [], ['size']]);
  });

  test('an encoding that nobody knows is malformed', async () => {
    expect(await send('SAMLResponse=MESSAGE', 'application/x-www-form-urlencoded; charset=utf-7')).toEqual([
      400,
      [],
      ['form'],
    ]);
  });
});

describe('used where or when it must not be', () => {
  test('the same response again', async () => {
    const begun = await begin();
    const xml = sealed(saying(begun.request), acme.key);
    expect((await acme.post(begun, xml)).status).toBe(303);
    await expectRefused(begun, xml, 'request-unknown');
  });

  test('an assertion id that was used before, for a new request', async () => {
    const first = await begin();
    const assertionId = newMessageId();
    expect((await acme.post(first, sealed(saying(first.request, { assertionId }), acme.key))).status).toBe(
      303,
    );
    const second = await begin();
    await expectRefused(second, sealed(saying(second.request, { assertionId }), acme.key), 'replay');
  });

  test('the same response again after a restart, and its assertion for a new request', async () => {
    const begun = await begin();
    const assertionId = newMessageId();
    const xml = sealed(saying(begun.request, { assertionId }), acme.key);
    expect((await acme.post(begun, xml)).status).toBe(303);
    const restarted = await acme.another();
    try {
      const post = async (state: string, message: string, browser: Browser) =>
        fetch(`${restarted.url}/auth/saml/acs`, {
          method: 'POST',
          body: new URLSearchParams({
            SAMLResponse: Buffer.from(message).toString('base64'),
            RelayState: state,
          }),
          redirect: 'manual',
          headers: { cookie: browser.cookies() },
        });
      expect((await post(begun.relayState, xml, begun.browser)).status).toBe(403);
      const next = await begin();
      const again = sealed(saying(next.request, { assertionId }), acme.key);
      expect((await post(next.relayState, again, next.browser)).status).toBe(403);
      const reasons = (await restarted.recorded()).slice(-2).map(({ data }) => data.why);
      expect(reasons).toEqual(['request-unknown', 'replay']);
    } finally {
      await restarted.stop();
    }
  });

  test('the same response to two processes at once signs in once', async () => {
    const other = await acme.another();
    try {
      const begun = await begin();
      const xml = sealed(saying(begun.request), acme.key);
      const SAMLResponse = Buffer.from(xml).toString('base64');
      const body = new URLSearchParams({ SAMLResponse, RelayState: begun.relayState });
      const answers = await Promise.all(
        [acme.app.url, other.url, acme.app.url, other.url].map((url) =>
          fetch(`${url}/auth/saml/acs`, {
            method: 'POST',
            body,
            redirect: 'manual',
            headers: { cookie: begun.browser.cookies() },
          }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([303, 403, 403, 403]);
    } finally {
      await other.stop();
    }
  });

  test('another browser than the one that began it', async () => {
    const { request, relayState } = await begin();
    const elsewhere = await begin();
    await expectRefused(
      { browser: elsewhere.browser, relayState },
      sealed(saying(request), acme.key),
      'other-browser',
    );
    await expectRefused(
      { browser: new Browser(acme.app.url), relayState },
      sealed(saying(request), acme.key),
      'other-browser',
    );
  });

  test('a sign-in that nobody began here', async () => {
    const { browser, request } = await begin();
    await expectRefused(
      { browser, relayState: 'made-up' },
      sealed(saying(request), acme.key),
      'request-unknown',
    );
  });

  test('an answer to another request of the same browser', async () => {
    const one = await begin();
    const two = await begin(one.browser);
    await expectRefused({ ...two }, sealed(saying(one.request), acme.key), 'in-response-to');
  });

  test('a sign-in that took longer than a quarter of an hour', async () => {
    const begun = await begin();
    await acme.db.owner.query(
      `UPDATE saml_requests SET expires_at = now() - interval '1 second' WHERE id = $1`,
      [begun.request.id],
    );
    await expectRefused(begun, sealed(saying(begun.request), acme.key), 'request-unknown');
  });

  test('a person who was deactivated', async () => {
    const nameId = '<saml:NameID>leaver</saml:NameID>';
    const first = await begin();
    await acme.post(first, sealed(saying(first.request, { nameId }), acme.key));
    await acme.app.access.people.setActive(acme.app.access.people.idOf(issuer, 'leaver'), false);
    expect((await first.browser.get('/internal/v1/me')).status).toBe(401);
    const second = await begin();
    await expectRefused(second, sealed(saying(second.request, { nameId }), acme.key), 'inactive');
  });
});

describe('groups', () => {
  const rolesWith = async (attributes: string) => {
    const begun = await begin();
    const done = await acme.post(begun, sealed(saying(begun.request, { attributes }), acme.key));
    if (done.status !== 303) return done.status;
    return JSON.parse((await begun.browser.get('/internal/v1/me')).text).roles as string[];
  };

  test('may be one, several or in several attributes', async () => {
    expect(await rolesWith(groups('staff'))).toEqual(['reader']);
    expect(await rolesWith(groups('unknown', 'staff'))).toEqual(['reader']);
    expect(await rolesWith(groups('unknown') + groups('staff'))).toEqual(['reader']);
  });

  test('absent, empty or unknown give no role and no session', async () => {
    expect(await rolesWith('')).toBe(403);
    expect(await rolesWith(groups())).toBe(403);
    expect(await rolesWith(groups('toString', '__proto__', 'constructor'))).toBe(403);
  });
});
