/**
 * Us, as identity providers know us: entity id, addresses, signing key and the metadata that tells them;
 * and the providers that we know. node-saml is configured here and nowhere else.
 */
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { clockSkewMs } from './assertion-reading.ts';
import { requestLifeMs } from './ledger.ts';
import type { IdentityProvider } from './provider-metadata.ts';
import { bodyOfPem } from './self-signed.ts';
import type { SigningKey } from './signed-xml.ts';
import { escaped, ns } from './xml.ts';

export interface ServiceProvider {
  readonly entityId: string;
  readonly acsUrl: string;
  readonly sloUrl: string;
  readonly key: SigningKey;
  readonly providers: readonly IdentityProvider[];
  /** XML for an identity provider's administrator. */
  metadata(): string;
  /** node-saml for one message: it knows exactly one request, the one that is begun or answered. */
  saml(provider: IdentityProvider, requestId: string, forceAuthn?: boolean): SAML;
}

interface Settings {
  readonly publicUrl: string;
  readonly entityId?: string | undefined;
  readonly key: SigningKey;
  readonly providers: readonly IdentityProvider[];
}

/** @throws Error when two providers share an id or an entity id */
export const createServiceProvider = ({ publicUrl, entityId, key, providers }: Settings): ServiceProvider => {
  for (const same of ['id', 'entityId'] as const) {
    const values = providers.map((provider) => provider[same]);
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) throw new Error(`two identity providers have the same ${same} "${twice}"`);
  }
  const own = {
    entityId: entityId ?? new URL('/auth/saml/metadata', publicUrl).href,
    acsUrl: new URL('/auth/saml/acs', publicUrl).href,
    sloUrl: new URL('/auth/saml/slo', publicUrl).href,
  };
  return {
    ...own,
    key,
    providers,
    metadata: () => metadataXml(own, key),
    saml: (provider, requestId, forceAuthn = false) =>
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
        wantAssertionsSigned: true,
        wantAuthnResponseSigned: false,
        acceptedClockSkewMs: clockSkewMs,
        validateInResponseTo: ValidateInResponseTo.always,
        requestIdExpirationPeriodMs: requestLifeMs,
        generateUniqueId: () => requestId,
        cacheProvider: onlyRequest(requestId),
      }),
  };
};

/**
 * node-saml would keep request ids in memory. Ours are in PostgreSQL (`ledger.ts`), found by RelayState
 * before and consumed after; in between node-saml is told of that one request.
 */
const onlyRequest = (requestId: string) => ({
  saveAsync: (_key: string, value: string) => Promise.resolve({ value, createdAt: Date.now() }),
  getAsync: (key: string) => Promise.resolve(key === requestId ? new Date().toISOString() : null),
  removeAsync: (key: string | null) => Promise.resolve(key),
});

const binding = (name: string): string => `urn:oasis:names:tc:SAML:2.0:bindings:${name}`;

const metadataXml = (own: Pick<ServiceProvider, 'entityId' | 'acsUrl' | 'sloUrl'>, key: SigningKey): string =>
  `<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="${ns.metadata}" entityID="${escaped(own.entityId)}">
  <SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="${ns.protocol}">
    <KeyDescriptor use="signing">
      <KeyInfo xmlns="${ns.signature}"><X509Data><X509Certificate>${bodyOfPem(key.certificate)}</X509Certificate></X509Data></KeyInfo>
    </KeyDescriptor>
    <SingleLogoutService Binding="${binding('HTTP-Redirect')}" Location="${escaped(own.sloUrl)}"/>
    <SingleLogoutService Binding="${binding('HTTP-POST')}" Location="${escaped(own.sloUrl)}"/>
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>
    <AssertionConsumerService Binding="${binding('HTTP-POST')}" Location="${escaped(own.acsUrl)}" index="0" isDefault="true"/>
  </SPSSODescriptor>
</EntityDescriptor>
`;
