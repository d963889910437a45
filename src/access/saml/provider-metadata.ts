/**
 * What an identity provider publishes about itself: its entity id, where to send people and with which
 * keys it signs. Read from a file, a URL or given text; anything missing stops the start with a sentence.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Element } from '@xmldom/xmldom';
import { attribute, children, elementsOf, is, ns, onlyChild, parseXml, textOf } from './xml.ts';

export interface IdentityProvider {
  /** Its id in the access policy. */
  readonly id: string;
  readonly entityId: string;
  /** HTTP-Redirect. */
  readonly signInUrl: string;
  readonly signOutUrl?: string;
  /** Where answers to its sign-out requests go, if elsewhere. */
  readonly signOutAnswerUrl?: string;
  /** PEM. */
  readonly certificates: readonly string[];
}

const redirectBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
const idPattern = /^[a-z][a-z0-9-]{0,63}$/;

/** Comments are harmless here: nothing in metadata is compared with what is signed. */
const withoutComments = (xml: string): string => xml.replace(/<!--[\s\S]*?-->/g, '');

/** @throws Error that says what is missing */
export const parseProviderMetadata = (id: string, xml: string): IdentityProvider => {
  const root = parseXml(withoutComments(xml).replace(/^\uFEFF?\s*<\?xml[^>]*\?>/, ''));
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
  if (certificates.length === 0) throw missing('signing certificate');
  const signOut = endpointOf(role, 'SingleLogoutService');
  return {
    id,
    entityId,
    signInUrl,
    certificates,
    ...(signOut === undefined ? {} : { signOutUrl: signOut.location }),
    ...(signOut?.answers === undefined ? {} : { signOutAnswerUrl: signOut.answers }),
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

/** A key without `use` is for signing and encryption. */
const certificatesOf = (role: Element): readonly string[] =>
  children(role, ns.metadata, 'KeyDescriptor')
    .filter((key) => (attribute(key, 'use') ?? 'signing') === 'signing')
    .flatMap((key) => children(key, ns.signature, 'KeyInfo'))
    .flatMap((info) => children(info, ns.signature, 'X509Data'))
    .flatMap((data) => children(data, ns.signature, 'X509Certificate'))
    .map((certificate) => new X509Certificate(Buffer.from(textOf(certificate) ?? '', 'base64')).toString());

/** `okta=https://…` names the provider; otherwise it is called as the file or the host. */
const sourceOf = (setting: string): { id: string; source: string } => {
  const named = /^([a-z][a-z0-9-]{0,63})=(.+)$/s.exec(setting);
  if (named?.[1] !== undefined && named[2] !== undefined) return { id: named[1], source: named[2] };
  const bare = isUrl(setting) ? new URL(setting).hostname : path.basename(setting, path.extname(setting));
  return { id: bare.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-'), source: setting };
};

const isUrl = (source: string): boolean => /^https?:\/\//.test(source);

const fetchTimeoutMs = 10_000;

const fetched = async (url: string): Promise<string> => {
  const answer = await fetch(url, {
    signal: AbortSignal.timeout(fetchTimeoutMs),
    headers: { accept: '*/*' },
  });
  if (!answer.ok) throw new Error(`it answered ${answer.status}`);
  return answer.text();
};

/** One entry of `QUARTERDECK_SAML_METADATA`. @throws Error that names the entry */
export const loadProvider = async (setting: string): Promise<IdentityProvider> => {
  const { id, source } = sourceOf(setting);
  if (!idPattern.test(id))
    throw new Error(`SAML metadata "${setting}": give it a name, as in okta=${source}`);
  try {
    return parseProviderMetadata(id, isUrl(source) ? await fetched(source) : await readFile(source, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`SAML metadata "${setting}" cannot be used: ${reason}`, { cause });
  }
};
