/** Each check by itself: with everything else right, it alone refuses, and without it nothing would. */
import { assertionChecks, checkAssertion } from '../../src/access/saml/assertion-checks.ts';
import { SamlRefusal } from '../../src/access/saml/refusal.ts';
import { ns, onlyChild, parseXml } from '../../src/access/saml/xml.ts';
import { assertionXml, issuer, responseAround, type Said, saying } from './messages.ts';

const now = new Date('2026-03-01T12:00:00Z');
const url = 'https://quarterdeck.example';
const requestId = '_request';

const answered = (changes: Partial<Said>) => {
  const said = saying({ id: requestId, url, now }, changes);
  const response = parseXml(responseAround(said, assertionXml(said)));
  const assertion = onlyChild(response, ns.assertion, 'Assertion');
  if (assertion === undefined) throw new Error('no assertion');
  const expected = {
    now: now.getTime(),
    acsUrl: `${url}/auth/saml/acs`,
    entityId: `${url}/auth/saml/metadata`,
    issuer,
    requestId,
  };
  return { response, assertion, expected };
};

const failing = (changes: Partial<Said>): readonly string[] => {
  const given = answered(changes);
  return assertionChecks.filter(({ problem }) => problem(given) !== undefined).map(({ name }) => name);
};

const at = (seconds: number) => new Date(now.getTime() + seconds * 1_000).toISOString();
const statement = (attributes: string) => `<saml:AuthnStatement AuthnInstant="${at(0)}" ${attributes}/>`;
const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';

const wrong: Readonly<Record<string, Partial<Said>>> = {
  version: { assertionVersion: '2.1' },
  destination: { destination: `${url}/auth/saml/acs/` },
  'response-issuer': { responseIssuer: 'https://idp.example/other' },
  'assertion-issuer': { assertionIssuer: 'https://idp.example/other' },
  'issue-instant': { issueInstant: at(31) },
  recipient: { recipient: 'https://quarterdeck.example.evil/auth/saml/acs' },
  'in-response-to': { inResponseTo: '_other' },
  'confirmation-time': { confirmationNotOnOrAfter: at(-30) },
  'conditions-time': { notBefore: at(31) },
  conditions: { conditions: '<x:Unheard xmlns:x="urn:x"/>' },
  audience: { audience: url },
  'authn-statement': { authnStatement: '' },
  'session-time': { authnStatement: statement(`SessionNotOnOrAfter="${at(-31)}"`) },
  'name-id': { nameId: `<saml:NameID>${'x'.repeat(257)}</saml:NameID>` },
  'transient-name-id': { nameId: `<saml:NameID Format="${transient}">x</saml:NameID>` },
};

test('nothing is wrong with an honest assertion', () => {
  expect(failing({})).toEqual([]);
  expect(() => checkAssertion(answered({}))).not.toThrow();
});

test.each(Object.entries(wrong))('%s alone refuses what is wrong with it', (name, changes) => {
  expect(failing(changes)).toEqual([name]);
  expect(() => checkAssertion(answered(changes))).toThrow(expect.objectContaining({ check: name }));
});

test('another confirmation method leaves nothing of the confirmation to believe', () => {
  const changes = { method: 'urn:oasis:names:tc:SAML:2.0:cm:sender-vouches' };
  expect(failing(changes)).toEqual([
    'confirmation-method',
    'recipient',
    'in-response-to',
    'confirmation-time',
  ]);
  expect(() => checkAssertion(answered(changes))).toThrow(SamlRefusal);
});

test('every check has a case here', () => {
  const names = assertionChecks.map(({ name }) => name);
  expect([...Object.keys(wrong), 'confirmation-method'].sort()).toEqual([...names].sort());
});

test('without a request of ours no request may be named, neither in the assertion nor around it', () => {
  const given = answered({ responseInResponseTo: undefined, inResponseTo: undefined });
  const unasked = { ...given, expected: { ...given.expected, requestId: undefined } };
  expect(() => checkAssertion(unasked)).not.toThrow();
  for (const changes of [{ responseInResponseTo: undefined }, { inResponseTo: undefined }]) {
    const named = { ...unasked, ...only(answered(changes)) };
    expect(() => checkAssertion(named)).toThrow(expect.objectContaining({ check: 'in-response-to' }));
  }
});

const only = ({ response, assertion }: ReturnType<typeof answered>) => ({ response, assertion });

test('up to 30 seconds of skew are forgiven at both ends', () => {
  expect(failing({ notBefore: at(30), issueInstant: at(30) })).toEqual([]);
  expect(failing({ notOnOrAfter: at(-29), confirmationNotOnOrAfter: at(-29) })).toEqual([]);
});
