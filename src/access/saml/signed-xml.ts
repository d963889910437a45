/**
 * Enveloped XML signatures over one element, made and verified. What is read after verifying is the
 * canonical text that the signature covers, never the document that it came in.
 */
import type { Element } from '@xmldom/xmldom';
import { SignedXml } from 'xml-crypto';
import { enveloped, exclusiveC14n, rsaSha256, sha256 } from './algorithms.ts';
import { SamlRefusal } from './refusal.ts';

export interface SigningKey {
  readonly privateKey: string;
  readonly certificate: string;
}

/** Signs the element with that ID, the signature placed after its Issuer as the schema demands. */
export const signElement = (xml: string, id: string, { privateKey, certificate }: SigningKey): string => {
  const signer = new SignedXml({
    privateKey,
    publicCert: certificate,
    signatureAlgorithm: rsaSha256,
    canonicalizationAlgorithm: exclusiveC14n,
  });
  const element = `//*[@ID='${id}']`;
  signer.addReference({ xpath: element, transforms: [enveloped, exclusiveC14n], digestAlgorithm: sha256 });
  signer.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: `${element}/*[local-name(.)='Issuer']`, action: 'after' },
  });
  return signer.getSignedXml();
};

/**
 * The canonical text of what `signature`, an element of `xml`, covers. The form of the signature has been
 * checked before (`message-checks.ts`): this is the arithmetic alone.
 * @throws SamlRefusal `signature`
 */
export const verifiedXml = (
  xml: string,
  signature: Element | undefined,
  certificates: readonly string[],
): string => {
  if (signature === undefined) throw new SamlRefusal('signature', 'The message is not signed.');
  for (const certificate of certificates) {
    const verifier = new SignedXml({ publicCert: certificate, getCertFromKeyInfo: () => null });
    verifier.loadSignature(signature.toString());
    const [signed, ...more] = holds(verifier, xml) ? verifier.getSignedReferences() : [];
    if (signed !== undefined && more.length === 0) return signed;
  }
  throw new SamlRefusal('signature', 'The signature is not that of the sender.');
};

/** xml-crypto throws for some wrong signatures and answers false for others. */
const holds = (verifier: SignedXml, xml: string): boolean => {
  try {
    return verifier.checkSignature(xml);
  } catch {
    return false;
  }
};
