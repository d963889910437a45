/**
 * Signatures of every kind, also of those that nobody should make: each test message is signed for real, so
 * that it is refused for what is wrong with it and not because its arithmetic is.
 */
import { DOMParser, type Element } from '@xmldom/xmldom';
import { SignedXml } from 'xml-crypto';
import { enveloped, exclusiveC14n, rsaSha256, sha256 } from '../../src/access/saml/algorithms.ts';
import { type SigningKey, signElement, verifiedXml } from '../../src/access/saml/signed-xml.ts';
import { assertionXml, responseAround, responseId, type Said } from './messages.ts';

export interface SignedHow {
  readonly signatureAlgorithm?: string;
  readonly digestAlgorithm?: string;
  readonly canonicalization?: string;
  readonly transforms?: readonly string[];
  /** What the reference points at. */
  readonly uri?: string;
  /** Elements that are referenced, by ID; the signed one by default. */
  readonly references?: readonly string[];
  /** What is signed with, instead of the provider's private key. */
  readonly secret?: string;
  /** Whose certificate stands in KeyInfo. */
  readonly shown?: SigningKey;
}

/** The signature stands in the element with that ID, after its Issuer. */
export const signedWith = (xml: string, id: string, key: SigningKey, how: SignedHow = {}): string => {
  const signer = new SignedXml({
    privateKey: how.secret ?? key.privateKey,
    publicCert: (how.shown ?? key).certificate,
    signatureAlgorithm: how.signatureAlgorithm ?? rsaSha256,
    canonicalizationAlgorithm: how.canonicalization ?? exclusiveC14n,
  } as ConstructorParameters<typeof SignedXml>[0]);
  signer.enableHMAC = () => undefined;
  if (how.secret !== undefined) SignedXml.prototype.enableHMAC.call(signer);
  for (const reference of how.references ?? [id]) {
    signer.addReference({
      xpath: how.uri === '' ? '/*' : `//*[@ID='${reference}']`,
      transforms: [...(how.transforms ?? [enveloped, exclusiveC14n])],
      digestAlgorithm: how.digestAlgorithm ?? sha256,
      ...(how.uri === undefined ? {} : { uri: how.uri, isEmptyUri: how.uri === '' }),
    });
  }
  signer.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: `//*[@ID='${id}']/*[local-name(.)='Issuer']`, action: 'after' },
  });
  return signer.getSignedXml();
};

export const signatureIn = (xml: string): string => {
  const found = /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(xml)?.[0];
  if (found === undefined) throw new Error('there is no signature in it');
  return found;
};

export const withoutSignature = (xml: string): string => xml.replace(signatureIn(xml), '');

/** What the first signature in the message covers, by arithmetic alone: what an incautious reader believes. */
export const coveredIn = (xml: string, key: SigningKey): string => {
  const document = new DOMParser().parseFromString(xml, 'text/xml');
  const signature = document.getElementsByTagNameNS('http://www.w3.org/2000/09/xmldsig#', 'Signature')[0];
  return verifiedXml(xml, signature as Element | undefined, [key.certificate]);
};

/** A whole response that is signed as such, its assertion not by itself. */
export const signedResponse = (s: Said, key: SigningKey): string =>
  signElement(responseAround(s, assertionXml(s)), responseId, key);
