/** The algorithms that a signature may use: SHA-256 or stronger, public keys only, enveloped, exclusive c14n. */
export const rsaSha256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
export const rsaSha512 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512';
export const sha256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
export const sha512 = 'http://www.w3.org/2001/04/xmlenc#sha512';
export const enveloped = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';
export const exclusiveC14n = 'http://www.w3.org/2001/10/xml-exc-c14n#';

export const signatureMethods: ReadonlyMap<string, string> = new Map([
  [rsaSha256, 'RSA-SHA256'],
  [rsaSha512, 'RSA-SHA512'],
]);
export const digestMethods: ReadonlySet<string> = new Set([sha256, sha512]);
export const transforms: ReadonlySet<string> = new Set([enveloped, exclusiveC14n]);
