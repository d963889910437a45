/**
 * Us, as identity providers know us: entity id, addresses, keys and the metadata that tells them. node-saml
 * is configured here and nowhere else.
 */
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { contentCiphers, rsaOaep } from './algorithms.ts';
import { clockSkewMs } from './assertion-reading.ts';
import { newMessageId, requestLifeMs } from './ledger.ts';
import type { IdentityProvider } from './provider-metadata.ts';
import { bodyOfPem } from './self-signed.ts';
import type { SigningKey } from './signed-xml.ts';
import { escaped, ns } from './xml.ts';

export interface ServiceProvider {
  readonly entityId: string;
  readonly acsUrl: string;
  readonly sloUrl: string;
  readonly key: SigningKey;
  /** What assertions may be encrypted for, the one in our metadata first; they sign nothing. */
  readonly encryptionKeys: readonly SigningKey[];
  /** XML for an identity provider's administrator. */
  metadata(): string;
  /** node-saml for one message, begun or answered. */
  saml(provider: IdentityProvider, exchange: Exchange): SAML;
}

export interface Exchange {
  /** The one request that node-saml then knows; undefined: a sign-in that no request of ours began. */
  readonly requestId: string | undefined;
  /** The provider is to ask for a proof once more, whatever session it still has. */
  readonly forceAuthn?: boolean;
  /** Which of ours the assertion was encrypted for, if it was. */
  readonly encryptionKey?: SigningKey | undefined;
  /** Whose signatures must be there and right; the assertion's alone by default. */
  readonly signed?: { readonly response: boolean; readonly assertion: boolean };
}

interface Settings {
  readonly publicUrl: string;
  readonly entityId?: string | undefined;
  readonly key: SigningKey;
  /** Is to follow: providers are told of it before anything is signed with it. */
  readonly nextKey?: SigningKey | undefined;
  readonly encryptionKey: SigningKey;
  /** Is to follow: providers are told of it instead, and both are good meanwhile. */
  readonly nextEncryptionKey?: SigningKey | undefined;
}

const present = (...keys: readonly (SigningKey | undefined)[]): readonly SigningKey[] =>
  keys.filter((key) => key !== undefined);

export const createServiceProvider = (settings: Settings): ServiceProvider => {
  const { publicUrl, entityId, key, nextKey } = settings;
  const encryptionKeys = present(settings.nextEncryptionKey, settings.encryptionKey);
  const own = {
    entityId: entityId ?? new URL('/auth/saml/metadata', publicUrl).href,
    acsUrl: new URL('/auth/saml/acs', publicUrl).href,
    sloUrl: new URL('/auth/saml/slo', publicUrl).href,
  };
  return {
    ...own,
    key,
    encryptionKeys,
    metadata: () => metadataXml(own, present(key, nextKey), encryptionKeys.slice(0, 1)),
    saml: (provider, { requestId, encryptionKey, forceAuthn = false, signed = assertionAlone }) =>
      new SAML({
        forceAuthn,
        callbackUrl: own.acsUrl,
        issuer: own.entityId,
        audience: own.entityId,
        idpCert: [...provider.certificates],
        idpIssuer: provider.entityId,
        entryPoint: provider.signInUrl,
        privateKey: key.privateKey,
        publicCert: key.certificate,
        signatureAlgorithm: 'sha256',
        digestAlgorithm: 'sha256',
        identifierFormat: null,
        disableRequestedAuthnContext: true,
        ...(encryptionKey === undefined ? {} : { decryptionPvk: encryptionKey.privateKey }),
        wantAssertionsSigned: signed.assertion,
        wantAuthnResponseSigned: signed.response,
        acceptedClockSkewMs: clockSkewMs,
        validateInResponseTo:
          requestId === undefined ? ValidateInResponseTo.never : ValidateInResponseTo.always,
        requestIdExpirationPeriodMs: requestLifeMs,
        generateUniqueId: () => requestId ?? newMessageId(),
        cacheProvider: onlyRequest(requestId),
      }),
  };
};

const assertionAlone = { response: false, assertion: true };

/**
 * node-saml would keep request ids in memory. Ours are in PostgreSQL (`ledger.ts`), found by RelayState
 * before and consumed after; in between node-saml is told of that one request.
 */
const onlyRequest = (requestId: string | undefined) => ({
  saveAsync: (_key: string, value: string) => Promise.resolve({ value, createdAt: Date.now() }),
  getAsync: (key: string) => Promise.resolve(key === requestId ? new Date().toISOString() : null),
  removeAsync: (key: string | null) => Promise.resolve(key),
});

const binding = (name: string): string => `urn:oasis:names:tc:SAML:2.0:bindings:${name}`;

const keyDescriptor = (use: 'signing' | 'encryption', { certificate }: SigningKey, methods = ''): string =>
  `<KeyDescriptor use="${use}">
      <KeyInfo xmlns="${ns.signature}"><X509Data><X509Certificate>${bodyOfPem(certificate)}</X509Certificate></X509Data></KeyInfo>${methods}
    </KeyDescriptor>`;

/** What we decrypt, the best first, so that no provider need guess. */
const encryptionMethods = [...contentCiphers, rsaOaep]
  .map((method) => `\n      <EncryptionMethod Algorithm="${method}"/>`)
  .join('');

const metadataXml = (
  own: Pick<ServiceProvider, 'entityId' | 'acsUrl' | 'sloUrl'>,
  keys: readonly SigningKey[],
  encryptionKeys: readonly SigningKey[],
): string =>
  `<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="${ns.metadata}" entityID="${escaped(own.entityId)}">
  <SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="${ns.protocol}">
    ${keys.map((key) => keyDescriptor('signing', key)).join('\n    ')}
    ${encryptionKeys.map((key) => keyDescriptor('encryption', key, encryptionMethods)).join('\n    ')}
    <SingleLogoutService Binding="${binding('HTTP-Redirect')}" Location="${escaped(own.sloUrl)}"/>
    <SingleLogoutService Binding="${binding('HTTP-POST')}" Location="${escaped(own.sloUrl)}"/>
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>
    <AssertionConsumerService Binding="${binding('HTTP-POST')}" Location="${escaped(own.acsUrl)}" index="0" isDefault="true"/>
  </SPSSODescriptor>
</EntityDescriptor>
`;
