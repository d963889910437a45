/**
 * The algorithms that a signature may use (SHA-256 or stronger, public keys only, enveloped, exclusive c14n)
 * and those that an assertion may be encrypted with (AES; the key under RSA-OAEP, never PKCS #1 v1.5).
 */
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

export const rsaOaep = 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p';
/** OAEP does not rest on collisions being hard to find, so its SHA-1 is no weakness; providers use nothing else. */
export const oaepDigest = 'http://www.w3.org/2000/09/xmldsig#sha1';
export const contentCiphers: ReadonlySet<string> = new Set([
  'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
]);
