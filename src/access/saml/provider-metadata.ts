/**
 * What an identity provider publishes about itself (SAML 2.0 Metadata): its entity id, where to send people,
 * with which keys it signs and how long that may be believed. The dates of its certificates say nothing:
 * the metadata is what makes them trusted.
 */
import { X509Certificate } from 'node:crypto';
import type { Element } from '@xmldom/xmldom';
import { attribute, children, elementsOf, is, ns, onlyChild, parseXml, textOf } from './xml.ts';
import { metadataBounds } from './xml-bounds.ts';

export interface IdentityProvider {
  /** Its id in the access policy. */
  readonly id: string;
  readonly entityId: string;
  /** HTTP-Redirect. */
  readonly signInUrl: string;
  readonly signOutUrl?: string;
  /** Where answers to its sign-out requests go, if elsewhere. */
  readonly signOutAnswerUrl?: string;
  /** PEM; a provider that changes its key publishes both for a while, and each is as good. */
  readonly certificates: readonly string[];
  /** Until when the metadata may be used; undefined: until it says otherwise. */
  readonly validUntil?: Date;
}

const redirectBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';

/** Comments are harmless here: nothing in metadata is compared with what is signed. */
const withoutComments = (xml: string): string => xml.replace(/<!--[\s\S]*?-->/g, '');

/** @throws Error that says what is missing */
export const parseProviderMetadata = (id: string, xml: string): IdentityProvider => {
  const root = parseXml(withoutComments(xml).replace(/^\uFEFF?\s*<\?xml[^>]*\?>/, ''), metadataBounds);
  elementsOf(root);
  const missing = (what: string): Error => new Error(`the SAML metadata of "${id}" has no ${what}`);
  const entity = descriptorOf(root);
  const entityId = attribute(entity, 'entityID');
  const role = entity && onlyChild(entity, ns.metadata, 'IDPSSODescriptor');
  if (entityId === undefined || role === undefined)
    throw missing('identity provider (EntityDescriptor with IDPSSODescriptor)');
  const signInUrl = endpointOf(role, 'SingleSignOnService')?.location;
  if (signInUrl === undefined) throw missing('sign-in address with the HTTP-Redirect binding');
  const certificates = certificatesOf(role);
  if (certificates.length === 0)
    throw missing(`signing certificate with an RSA key of ${rsaBitsMin} bits or more`);
  const signOut = endpointOf(role, 'SingleLogoutService');
  const validUntil = earliestEnd([root, entity, role]);
  return {
    id,
    entityId,
    signInUrl,
    certificates,
    ...(signOut === undefined ? {} : { signOutUrl: signOut.location }),
    ...(signOut?.answers === undefined ? {} : { signOutAnswerUrl: signOut.answers }),
    ...(validUntil === undefined ? {} : { validUntil }),
  };
};

/** An EntitiesDescriptor with a single provider in it is accepted too. */
const descriptorOf = (root: Element): Element | undefined => {
  if (is(root, ns.metadata, 'EntityDescriptor')) return root;
  const providers = children(root, ns.metadata, 'EntityDescriptor').filter((entity) =>
    onlyChild(entity, ns.metadata, 'IDPSSODescriptor'),
  );
  return providers.length === 1 ? providers[0] : undefined;
};

const endpointOf = (role: Element, name: string): { location: string; answers?: string } | undefined => {
  const endpoint = children(role, ns.metadata, name).find((e) => attribute(e, 'Binding') === redirectBinding);
  const location = attribute(endpoint, 'Location');
  const answers = attribute(endpoint, 'ResponseLocation');
  if (location === undefined || !/^https?:\/\//.test(location)) return undefined;
  return { location, ...(answers === undefined || !/^https?:\/\//.test(answers) ? {} : { answers }) };
};

/** What signatures are refused with anyway (algorithms other than RSA), or are too easy to forge with. */
const rsaBitsMin = 2048;

const isStrong = ({ publicKey }: X509Certificate): boolean =>
  publicKey.asymmetricKeyType === 'rsa' && (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) >= rsaBitsMin;

/** A key without `use` is for signing and encryption. A key that is of no use spoils none beside it. */
const certificatesOf = (role: Element): readonly string[] =>
  children(role, ns.metadata, 'KeyDescriptor')
    .filter((key) => (attribute(key, 'use') ?? 'signing') === 'signing')
    .flatMap((key) => children(key, ns.signature, 'KeyInfo'))
    .flatMap((info) => children(info, ns.signature, 'X509Data'))
    .flatMap((data) => children(data, ns.signature, 'X509Certificate'))
    .map((certificate) => new X509Certificate(Buffer.from(textOf(certificate) ?? '', 'base64')))
    .filter(isStrong)
    .map(String);

/** Each level may end before the one around it. */
const earliestEnd = (elements: readonly (Element | undefined)[]): Date | undefined => {
  const ends = elements.flatMap((element) => attribute(element, 'validUntil') ?? []).map(Date.parse);
  if (ends.some(Number.isNaN)) throw new Error('its validUntil is no date and time');
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
};
