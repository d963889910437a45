/**
 * Signatures of the HTTP-Redirect binding (SAML 2.0 Bindings, 3.4.4.1): over the query's own octets,
 * `SAMLRequest=…&RelayState=…&SigAlg=…`, in the spelling in which they were sent. node-saml accepts such a
 * message without any signature, so ours is checked here.
 */
import { createSign, createVerify } from 'node:crypto';
import { rsaSha256, signatureMethods } from './algorithms.ts';
import { unpackRedirected } from './message.ts';
import { SamlRefusal } from './refusal.ts';

export type MessageField = 'SAMLRequest' | 'SAMLResponse';

export interface RedirectedMessage {
  readonly field: MessageField;
  readonly xml: string;
  readonly relayState: string | undefined;
}

/** The query's parameters as written; one that comes twice is refused. */
const parametersOf = (query: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const pair of query.split('&').filter((part) => part !== '')) {
    const equals = pair.indexOf('=');
    const name = equals === -1 ? pair : pair.slice(0, equals);
    if (found.has(name)) throw new SamlRefusal('field', `The parameter ${name.slice(0, 40)} is repeated.`);
    found.set(name, equals === -1 ? '' : pair.slice(equals + 1));
  }
  return found;
};

const decoded = (raw: string | undefined): string | undefined => {
  try {
    return raw === undefined ? undefined : decodeURIComponent(raw.replaceAll('+', ' '));
  } catch (cause) {
    throw new SamlRefusal('field', 'A parameter is not percent-encoded UTF-8.', { cause });
  }
};

/** @throws SamlRefusal unless one of the certificates signed exactly this query. */
export const verifyRedirect = (query: string, certificates: readonly string[]): RedirectedMessage => {
  const raw = parametersOf(query);
  const field: MessageField = raw.has('SAMLRequest') ? 'SAMLRequest' : 'SAMLResponse';
  if (!raw.has(field) || (raw.has('SAMLRequest') && raw.has('SAMLResponse'))) {
    throw new SamlRefusal('field', 'There must be one SAMLRequest or SAMLResponse.');
  }
  const hash = signatureMethods.get(decoded(raw.get('SigAlg')) ?? '');
  const signature = decoded(raw.get('Signature')) ?? '';
  if (signature === '') throw new SamlRefusal('signature', 'The message is not signed.');
  if (hash === undefined)
    throw new SamlRefusal('algorithm', 'The signature is not RSA with SHA-256 or stronger.');
  const signed = [field, 'RelayState', 'SigAlg']
    .filter((name) => raw.has(name))
    .map((name) => `${name}=${raw.get(name)}`)
    .join('&');
  const bytes = Buffer.from(signature, 'base64');
  if (!certificates.some((pem) => createVerify(hash).update(signed).verify(pem, bytes))) {
    throw new SamlRefusal('signature', 'The signature is not that of the sender.');
  }
  return {
    field,
    xml: unpackRedirected(decoded(raw.get(field))),
    relayState: decoded(raw.get('RelayState')),
  };
};

export interface RedirectToSign {
  readonly url: string;
  readonly field: MessageField;
  readonly packed: string;
  readonly relayState?: string | undefined;
  readonly privateKey: string;
}

/** `url` with the message and its signature. */
export const signedRedirect = ({ url, field, packed, relayState, privateKey }: RedirectToSign): string => {
  const parts = [`${field}=${encodeURIComponent(packed)}`];
  if (relayState !== undefined) parts.push(`RelayState=${encodeURIComponent(relayState)}`);
  parts.push(`SigAlg=${encodeURIComponent(rsaSha256)}`);
  const signed = parts.join('&');
  const signature = createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64');
  return `${url}${url.includes('?') ? '&' : '?'}${signed}&Signature=${encodeURIComponent(signature)}`;
};
