/** Encryption as a provider does it, also with what nobody should use. */
import { promisify } from 'node:util';
import { type EncryptionAlgorithm, encrypt, type KeyEncryptionAlgorithm } from 'xml-encryption';
import { rsaOaep } from '../../src/access/saml/algorithms.ts';
import type { SigningKey } from '../../src/access/saml/signed-xml.ts';

const encryptedData = promisify(encrypt);

export interface EncryptedHow {
  readonly cipher?: string;
  readonly keyMethod?: string;
}

export const encryptedFor = async (
  content: string,
  { certificate }: SigningKey,
  how: EncryptedHow = {},
): Promise<string> => {
  const data = await encryptedData(content, {
    rsa_pub: certificate,
    pem: certificate,
    encryptionAlgorithm: (how.cipher ?? 'http://www.w3.org/2009/xmlenc11#aes256-gcm') as EncryptionAlgorithm,
    keyEncryptionAlgorithm: (how.keyMethod ?? rsaOaep) as KeyEncryptionAlgorithm,
    disallowEncryptionWithInsecureAlgorithm: false,
    warnInsecureAlgorithm: false,
  });
  return `<saml:EncryptedAssertion>${data}</saml:EncryptedAssertion>`;
};
