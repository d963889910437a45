/**
 * Assertions that were encrypted for us. Only AES under RSA-OAEP is decrypted, and what comes out must be
 * one plain assertion in its own right. Whatever fails from here until its signature is verified is refused
 * in the same words: an attacker who could tell bad padding from a bad signature could decrypt somebody
 * else's assertion step by step (Jager and Somorovsky, How to break XML encryption, 2011).
 */
import { promisify } from 'node:util';
import type { Element } from '@xmldom/xmldom';
import { decrypt } from 'xml-encryption';
import { contentCiphers, oaepDigest, rsaOaep } from './algorithms.ts';
import { checkMessage, decryptedChecks } from './message-checks.ts';
import { SamlRefusal } from './refusal.ts';
import type { SigningKey } from './signed-xml.ts';
import { attribute, ns, onlyChild, onlyElement, parseXml } from './xml.ts';

const decrypted = promisify(decrypt);

export const encryptedRefusal = (cause: unknown): SamlRefusal =>
  new SamlRefusal('encrypted-assertion', 'The encrypted assertion cannot be used.', { cause });

export interface Decrypted {
  readonly assertion: Element;
  /** For which of ours it had been encrypted. */
  readonly encryptionKey: SigningKey;
}

/** @throws SamlRefusal `encryption-form`, `encryption-algorithm` or `encrypted-assertion` */
export const decryptAssertion = async (wrapper: Element, keys: readonly SigningKey[]): Promise<Decrypted> => {
  checkEncryption(wrapper);
  let cause: unknown;
  for (const encryptionKey of keys) {
    try {
      return { assertion: await decryptedWith(wrapper, encryptionKey), encryptionKey };
    } catch (error) {
      cause = error;
    }
  }
  throw encryptedRefusal(cause);
};

const decryptedWith = async (wrapper: Element, { privateKey }: SigningKey): Promise<Element> => {
  const root = parseXml(await decrypted(wrapper.toString(), { key: privateKey, ...onlySafe }));
  checkMessage(root, decryptedChecks);
  return root;
};

const onlySafe = { disallowDecryptionWithInsecureAlgorithm: true, warnInsecureAlgorithm: false };

/** Says itself with what it was encrypted, so this may be told apart: nothing was decrypted yet. */
const checkEncryption = (wrapper: Element): void => {
  const data = onlyElement(wrapper, ns.encryption, 'EncryptedData');
  const keyInfo = data && onlyChild(data, ns.signature, 'KeyInfo');
  const key = keyInfo && onlyChild(keyInfo, ns.encryption, 'EncryptedKey');
  if (data === undefined || key === undefined || ![data, key].every(hasOneValue)) {
    throw new SamlRefusal('encryption-form', 'An encrypted assertion holds one value and the key to it.');
  }
  const keyMethod = onlyChild(key, ns.encryption, 'EncryptionMethod');
  const digest = keyMethod && onlyChild(keyMethod, ns.signature, 'DigestMethod');
  const safe =
    contentCiphers.has(algorithm(onlyChild(data, ns.encryption, 'EncryptionMethod'))) &&
    algorithm(keyMethod) === rsaOaep &&
    (digest === undefined || algorithm(digest) === oaepDigest);
  if (!safe) throw new SamlRefusal('encryption-algorithm', 'Not AES, or its key not under RSA-OAEP.');
};

const algorithm = (method: Element | undefined): string => attribute(method, 'Algorithm') ?? '';

const hasOneValue = (element: Element): boolean => {
  const data = onlyChild(element, ns.encryption, 'CipherData');
  return data !== undefined && onlyElement(data, ns.encryption, 'CipherValue') !== undefined;
};
