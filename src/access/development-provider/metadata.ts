/** What the development provider publishes about itself. */
import { bodyOfPem } from '../saml/self-signed.ts';
import { escaped, ns } from '../saml/xml.ts';

/** Not its address: the port is another one at each start, the people are the same. */
export const developmentEntityId = 'urn:quarterdeck:development-provider';

const redirect = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';

export const metadataXml = (url: string, certificate: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="${ns.metadata}" entityID="${escaped(developmentEntityId)}">
  <IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="${ns.protocol}">
    <KeyDescriptor use="signing">
      <KeyInfo xmlns="${ns.signature}"><X509Data><X509Certificate>${bodyOfPem(certificate)}</X509Certificate></X509Data></KeyInfo>
    </KeyDescriptor>
    <SingleLogoutService Binding="${redirect}" Location="${escaped(url)}/sign-out"/>
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>
    <SingleSignOnService Binding="${redirect}" Location="${escaped(url)}/sign-in"/>
  </IDPSSODescriptor>
</EntityDescriptor>
`;
