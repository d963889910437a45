/**
 * Whatever is done to an honest answer on its way, it signs in the person whom the provider meant, or nobody;
 * and what refuses it is a refusal with a name, never a fault of ours.
 */
import { DOMParser, type Element, onWarningStopParsing, XMLSerializer } from '@xmldom/xmldom';
import fc from 'fast-check';
import type { Signed } from '../../src/access/policy/provider-rules.ts';
import type { AssertedIdentity } from '../../src/access/saml/identity.ts';
import { SamlRefusal } from '../../src/access/saml/refusal.ts';
import { openResponse, readResponse } from '../../src/access/saml/response.ts';
import { createServiceProvider } from '../../src/access/saml/service-provider.ts';
import { signElement } from '../../src/access/saml/signed-xml.ts';
import { assertionXml, issuer, newSigningKey, responseAround, responseId, saying } from './messages.ts';
import { signedResponse } from './signing.ts';

const key = newSigningKey();
const url = 'https://quarterdeck.example';
const sp = createServiceProvider({ publicUrl: url, key: newSigningKey(), encryptionKey: newSigningKey() });
const provider = {
  id: 'acme',
  entityId: issuer,
  signInUrl: 'https://idp.example/sso',
  certificates: [key.certificate],
};
const names = { groups: 'groups', person: {} };
const requestId = '_request';
const now = new Date();
const said = saying({ id: requestId, url, now });
const sealedAssertion = signElement(assertionXml(said), said.assertionId, key);

const honest: Readonly<Record<Signed, string>> = {
  assertion: responseAround(said, sealedAssertion),
  response: signedResponse(said, key),
  both: signElement(responseAround(said, sealedAssertion), responseId, key),
};

const identityIn = async (xml: string, signed: Signed): Promise<AssertedIdentity> => {
  const response = openResponse(Buffer.from(xml).toString('base64'));
  const rules = { signed, idpInitiated: false, names };
  return readResponse({ sp, provider, rules, response, requestId, now });
};

/** What came of it: the identity, or the name of the refusal. Anything else is thrown on. */
const outcome = async (xml: string, signed: Signed): Promise<AssertedIdentity | string> => {
  try {
    return await identityIn(xml, signed);
  } catch (error) {
    if (error instanceof SamlRefusal) return error.check;
    throw error;
  }
};

const strings = fc.oneof(
  fc.constantFrom(
    'admin',
    '',
    '<!-- -->',
    '<?x y?>',
    '<![CDATA[x]]>',
    '&#0;',
    '&amp;',
    ' ',
    '\r',
    '#_response',
  ),
  fc.constantFrom(said.assertionId, responseId, `#${said.assertionId}`, 'http://www.w3.org/2000/09/xmldsig#'),
  fc.string({ maxLength: 8, unit: 'binary' }),
);

/** A place in the text, what goes from there and what comes instead. */
const splices = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), gone: fc.nat(6), come: strings });

const spliced = (xml: string, { at, gone, come }: { at: number; gone: number; come: string }): string => {
  const from = Math.floor(at * xml.length);
  return xml.slice(0, from) + come + xml.slice(from + gone);
};

/** An element, what is done with it, another one where that needs it, and a text. */
const operations = fc.record({
  what: fc.constantFrom('remove', 'copy-into', 'copy-before', 'move-into', 'swap', 'text', 'attribute'),
  element: fc.nat(),
  other: fc.nat(),
  text: strings,
});

interface Operation {
  readonly what: string;
  readonly element: number;
  readonly other: number;
  readonly text: string;
}

/** Nothing is done where it makes no sense: an element cannot come into itself, nor into what is no XML any more. */
const operated = (xml: string, operation: Operation): string => {
  try {
    const document = new DOMParser({ onError: onWarningStopParsing }).parseFromString(xml, 'text/xml');
    operateOn(Array.from(document.getElementsByTagName('*')), operation);
    return new XMLSerializer().serializeToString(document);
  } catch {
    return xml;
  }
};

const operateOn = (all: readonly Element[], { what, element, other, text }: Operation): void => {
  const one = all[element % all.length] as Element;
  const two = all[other % all.length] as Element;
  const copy = one.cloneNode(true);
  const attribute = one.attributes.item(other % Math.max(1, one.attributes.length));
  if (what === 'remove') one.parentNode?.removeChild(one);
  if (what === 'copy-into') two.appendChild(copy);
  if (what === 'copy-before') two.parentNode?.insertBefore(copy, two);
  if (what === 'move-into') two.appendChild(one);
  if (what === 'swap') one.parentNode?.replaceChild(two.cloneNode(true), one);
  if (what === 'text') one.textContent = text;
  if (what === 'attribute' && attribute) one.setAttribute(attribute.name, text);
};

describe.each(['assertion', 'response', 'both'] as const)('an answer in which is signed: %s', (signed) => {
  const expectNobodyElse = async (xml: string) => {
    const came = await outcome(xml, signed);
    if (typeof came !== 'string') expect(came).toEqual(await identityIn(honest[signed], signed));
    return typeof came === 'string';
  };

  test('is honest to begin with', async () => {
    expect(await outcome(honest[signed], signed)).toMatchObject({ nameId: 'someone', groups: ['staff'] });
  });

  test('whose text is changed anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(splices, { minLength: 1, maxLength: 3 }), async (changes) => {
        await expectNobodyElse(changes.reduce(spliced, honest[signed]));
      }),
      { numRuns: 500 },
    );
  });

  test('whose elements are removed, copied, moved, swapped or filled with something else', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(operations, { minLength: 1, maxLength: 3 }), async (changes) => {
        if (await expectNobodyElse(changes.reduce(operated, honest[signed]))) refused++;
      }),
      { numRuns: 500 },
    );
    // Else the messages would not be as bad as they ought to be.
    expect(refused).toBeGreaterThan(250);
  });
});
