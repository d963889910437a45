/**
 * A self-signed X.509 certificate (RFC 5280) for an RSA key. Node reads certificates but does not build
 * them, and what SAML needs of one is so little — a container for the public key, in which nobody looks at
 * a chain — that sixty lines of DER are less to trust than a library.
 */
import { createPrivateKey, createPublicKey, createSign, randomBytes } from 'node:crypto';

const tag = {
  integer: 0x02,
  bits: 0x03,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
};

const oid = { sha256WithRsa: '2a864886f70d01010b', commonName: '550403' };

const lengthOf = (length: number): Buffer => {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
};

const der = (type: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([type]), lengthOf(body.length), body]);
};

/** `YYYYMMDDHHMMSSZ` */
const generalizedTime = (time: Date): Buffer =>
  der(tag.time, Buffer.from(`${time.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`));

const nameOf = (commonName: string): Buffer => {
  const value = der(tag.utf8, Buffer.from(commonName, 'utf8'));
  const attribute = der(tag.sequence, der(tag.oid, Buffer.from(oid.commonName, 'hex')), value);
  return der(tag.sequence, der(tag.set, attribute));
};

/** Positive and not zero, whatever the random bytes are. */
const serialNumber = (): Buffer => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return der(tag.integer, bytes);
};

/** PEM, valid for ten years: the trust lies in the metadata that carries it, not in its dates. */
export const selfSignedCertificate = (privateKeyPem: string, commonName: string, now: Date): string => {
  const key = createPrivateKey(privateKeyPem);
  const algorithm = der(tag.sequence, der(tag.oid, Buffer.from(oid.sha256WithRsa, 'hex')), der(tag.null));
  const until = new Date(now);
  until.setUTCFullYear(now.getUTCFullYear() + 10);
  const content = der(
    tag.sequence,
    serialNumber(),
    algorithm,
    nameOf(commonName),
    der(tag.sequence, generalizedTime(new Date(now.getTime() - 86_400_000)), generalizedTime(until)),
    nameOf(commonName),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
  );
  const signature = createSign('RSA-SHA256').update(content).sign(key);
  const certificate = der(tag.sequence, content, algorithm, der(tag.bits, Buffer.from([0]), signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
};

/** The base64 between the lines of a PEM, as XML carries it. */
export const bodyOfPem = (pem: string): string => pem.replace(/-----[^-]+-----|\s/g, '');
