/** What a provider must sign is its entry in the policy: the assertion, the response or both; never neither. */
import { signElement } from '../../src/access/saml/signed-xml.ts';
import { type Acme, openAcme } from './acme.ts';
import { assertionXml, newSigningKey, responseAround, responseId, type Said, saying } from './messages.ts';

let acme: Acme;
beforeAll(async () => {
  acme = await openAcme();
});
afterAll(() => acme.close());

const plain = (s: Said) => assertionXml(s);
const signed = (s: Said, key = acme.key) => signElement(assertionXml(s), s.assertionId, key);
const around = (s: Said, content: string, key = acme.key) =>
  signElement(responseAround(s, content), responseId, key);

const messages: Readonly<Record<string, (s: Said) => string>> = {
  neither: (s) => responseAround(s, plain(s)),
  assertion: (s) => responseAround(s, signed(s)),
  response: (s) => around(s, plain(s)),
  both: (s) => around(s, signed(s)),
};

const accepted: Readonly<Record<string, readonly string[]>> = {
  '': ['assertion', 'both'],
  'signed: assertion': ['assertion', 'both'],
  'signed: response': ['response', 'both'],
  'signed: both': ['both'],
};

describe.each(Object.entries(accepted))('with the rule "%s"', (rule, good) => {
  beforeAll(() => acme.applyRules(rule));

  test.each(Object.entries(messages))('a message in which the provider signed: %s', async (what, make) => {
    const begun = await acme.begin();
    const xml = make(saying(begun.request));
    if (good.includes(what)) await acme.expectSignedIn(begun, xml);
    else await acme.expectRefused(begun, xml, 'signature');
  });

  test('a second signature, of a stranger, spoils what would do by itself', async () => {
    const stranger = newSigningKey();
    for (const make of [
      (s: Said) => around(s, signed(s), stranger),
      (s: Said) => around(s, signed(s, stranger)),
    ]) {
      const begun = await acme.begin();
      await acme.expectRefused(begun, make(saying(begun.request)), 'signature');
    }
  });
});

test('the policy cannot ask for neither', async () => {
  await expect(acme.applyRules('signed: neither')).rejects.toThrow(
    'access-policy.yaml line 3: providers.acme.signed: says what the provider must sign: assertion, response or both',
  );
});
