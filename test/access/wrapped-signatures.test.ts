/**
 * Signature wrapping (Somorovsky and others, On Breaking SAML, 2012): the signed element is kept, moved to
 * where the signature still covers it, and a forged one is put where an incautious reader looks. XSW1 to
 * XSW8 as the tool SAML Raider names them. In each message the provider's signature is right.
 */
import { signElement } from '../../src/access/saml/signed-xml.ts';
import { type Acme, openAcme } from './acme.ts';
import { assertionXml, responseAround, responseId, type Said, saying, sealed } from './messages.ts';
import { coveredIn, signatureIn, signedResponse as signedWhole, withoutSignature } from './signing.ts';

let acme: Acme;
beforeAll(async () => {
  acme = await openAcme();
});
afterAll(() => acme.close());

const forged = (s: Said): string =>
  assertionXml({ ...s, assertionId: '_evil', nameId: '<saml:NameID>admin</saml:NameID>' });

const inside = (parent: string, child: string): string => parent.replace(/(<\/[^<>]+>)$/, `${child}$1`);
const afterIssuer = (element: string, child: string): string =>
  element.replace('</saml:Issuer>', `</saml:Issuer>${child}`);
const object = (content: string): string => `<ds:Object>${content}</ds:Object>`;
const extensions = (content: string): string => `<samlp:Extensions>${content}</samlp:Extensions>`;
const statusDetail = (content: string): string => `<samlp:StatusDetail>${content}</samlp:StatusDetail>`;

type Attack = readonly [name: string, why: string, make: (said: Said) => string];

const signedAssertion = (s: Said) => signElement(assertionXml(s), s.assertionId, acme.key);
const signedResponse = (s: Said) => signedWhole(s, acme.key);
const forgedResponse = (s: Said) => responseAround(s, forged(s), '_evil_response');

const onResponse: readonly Attack[] = [
  [
    'XSW1: a forged response whose signature holds the signed one',
    'one-assertion',
    (s) =>
      afterIssuer(
        forgedResponse(s),
        inside(signatureIn(signedResponse(s)), withoutSignature(signedResponse(s))),
      ),
  ],
  [
    'XSW2: a forged response with the signed one before the signature',
    'one-assertion',
    (s) =>
      afterIssuer(forgedResponse(s), withoutSignature(signedResponse(s)) + signatureIn(signedResponse(s))),
  ],
  [
    'a signed response nested in an unsigned one',
    'one-assertion',
    (s) => inside(forgedResponse(s), signedResponse(s)),
  ],
  [
    'a signed response nested in an unsigned one that has no assertion of its own',
    'one-assertion',
    (s) => responseAround(s, signedResponse(s), '_evil_response'),
  ],
  [
    'a signed response in Extensions of a forged one',
    'one-assertion',
    (s) => responseAround({ ...s, extensions: extensions(signedResponse(s)) }, forged(s), '_evil_response'),
  ],
  [
    'a signed response in StatusDetail of a forged one',
    'one-assertion',
    (s) =>
      responseAround({ ...s, statusDetail: statusDetail(signedResponse(s)) }, forged(s), '_evil_response'),
  ],
];

const onAssertion: readonly Attack[] = [
  [
    'XSW3: a forged assertion before the signed one',
    'one-assertion',
    (s) => responseAround(s, forged(s) + signedAssertion(s)),
  ],
  [
    'XSW4: a forged assertion around the signed one',
    'one-assertion',
    (s) => responseAround(s, inside(forged(s), signedAssertion(s))),
  ],
  [
    'XSW5: the signature in a forged assertion, the signed one behind it',
    'one-assertion',
    (s) =>
      responseAround(
        s,
        afterIssuer(forged(s), signatureIn(signedAssertion(s))) + withoutSignature(signedAssertion(s)),
      ),
  ],
  [
    'XSW6: a forged assertion whose signature holds the signed one',
    'one-assertion',
    (s) =>
      responseAround(
        s,
        afterIssuer(forged(s), inside(signatureIn(signedAssertion(s)), withoutSignature(signedAssertion(s)))),
      ),
  ],
  [
    'XSW7: a forged assertion in Extensions',
    'one-assertion',
    (s) => responseAround({ ...s, extensions: extensions(forged(s)) }, signedAssertion(s)),
  ],
  [
    'XSW8: the signed assertion in an Object of the forged one’s signature',
    'one-assertion',
    (s) =>
      responseAround(
        s,
        afterIssuer(
          forged(s),
          inside(signatureIn(signedAssertion(s)), object(withoutSignature(signedAssertion(s)))),
        ),
      ),
  ],
  [
    'the signed assertion in Extensions, a forged one in its place',
    'one-assertion',
    (s) => responseAround({ ...s, extensions: extensions(signedAssertion(s)) }, forged(s)),
  ],
  [
    'the signed assertion in StatusDetail, a forged one in its place',
    'one-assertion',
    (s) => responseAround({ ...s, statusDetail: statusDetail(signedAssertion(s)) }, forged(s)),
  ],
  [
    'the signed assertion in StatusDetail and none in its place',
    'one-assertion',
    (s) => responseAround({ ...s, statusDetail: statusDetail(signedAssertion(s)) }, ''),
  ],
  [
    'the signed assertion renamed to another namespace around a forged one',
    'one-assertion',
    (s) =>
      responseAround(
        s,
        `<x:Assertion xmlns:x="urn:x" ID="_x">${forged(s)}</x:Assertion>${signedAssertion(s)}`,
      ),
  ],
];

const admitted: Readonly<Record<string, (s: Said) => string>> = {
  assertion: (s) => sealed(s, acme.key),
  response: signedResponse,
  both: (s) => signElement(responseAround(s, signedAssertion(s)), responseId, acme.key),
};

describe.each(['assertion', 'response', 'both'])('a provider that must sign: %s', (signed) => {
  beforeAll(() => acme.applyRules(`signed: ${signed}`));

  test('signs people in', async () => {
    const begun = await acme.begin();
    await acme.expectSignedIn(begun, admitted[signed]?.(saying(begun.request)) ?? '');
  });

  test.each([...onResponse, ...onAssertion])('is not to be wrapped: %s', async (_name, why, make) => {
    const begun = await acme.begin();
    const xml = make(saying(begun.request));
    expect(coveredIn(xml, acme.key)).toContain('>someone<');
    expect(coveredIn(xml, acme.key)).not.toContain('>admin<');
    await acme.expectRefused(begun, xml, why);
  });
});
