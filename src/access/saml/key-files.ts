/**
 * A key pair of ours and its certificate in the data directory, made at the first start and kept: a new key
 * would be a stranger to the identity provider. Processes that start together agree on one.
 */
import { generateKeyPair } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { selfSignedCertificate } from './self-signed.ts';
import type { SigningKey } from './signed-xml.ts';

const generate = promisify(generateKeyPair);

interface Wanted {
  readonly folder: string;
  /** `saml-service-provider` gives `saml-service-provider.pem`. */
  readonly name: string;
  readonly commonName: string;
  readonly now: Date;
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n?/;
const keyPattern = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n?/;

const read = async (file: string): Promise<SigningKey | undefined> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const privateKey = keyPattern.exec(text)?.[0];
  const certificate = certificatePattern.exec(text)?.[0];
  if (privateKey === undefined || certificate === undefined) {
    throw new Error(`${file} does not hold a private key and a certificate in PEM form`);
  }
  return { privateKey, certificate };
};

const make = async (commonName: string, now: Date): Promise<SigningKey> => {
  const { privateKey } = await generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { privateKey, certificate: selfSignedCertificate(privateKey, commonName, now) };
};

/** The key that is to follow one of ours, `<name>.next.pem`, where somebody has put it there. */
export const nextKeyIn = (folder: string, name: string): Promise<SigningKey | undefined> =>
  read(path.join(folder, `${name}.next.pem`));

/** Key and certificate stand in one file and the file appears whole, so no two processes mix theirs. */
export const signingKeyIn = async ({ folder, name, commonName, now }: Wanted): Promise<SigningKey> => {
  const file = path.join(folder, `${name}.pem`);
  const kept = await read(file);
  if (kept !== undefined) return kept;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = await make(commonName, now);
  const draft = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(draft, made.privateKey + made.certificate, { mode: 0o600, flag: 'wx' });
  // Unlike a rename, a link never replaces what another process has just put there.
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft);
  return (await read(file)) ?? made;
};
