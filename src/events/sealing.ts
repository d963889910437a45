/** AES-256-GCM as everything here is sealed: `iv ‖ tag ‖ ciphertext` with a random 96-bit iv. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { randomOf } from './randomness.ts';

const ivBytes = 12;
const tagBytes = 16;

export const seal = (key: Buffer, plaintext: Buffer | string, associated: string): Buffer => {
  const iv = randomOf(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(associated));
  const body = typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext);
  cipher.final();
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
};

/** @throws Error when the key, the associated text or a byte of `sealed` is not what it was. */
export const open = (key: Buffer, sealed: Buffer, associated: string): Buffer => {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(Buffer.from(associated));
  decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(ivBytes + tagBytes)), decipher.final()]);
};
