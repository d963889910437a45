/**
 * Signed notes (C2SP signed-note v1.0.0) with Ed25519 keys: text that ends in a new line, an empty line, and
 * one line a signature.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';

const algorithm = 0x01;
const keyBytes = 32;
const signatureBytes = 64;
const idBytes = 4;
/** What stands before 32 raw bytes in the standard encodings (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

export class NoteError extends Error {}

export interface Signer {
  readonly name: string;
  /** `name+hex(key id)+base64(0x01 ‖ public key)`. */
  readonly vkey: string;
  /** The text ends in a new line; what comes back is the whole note. */
  readonly sign: (text: string) => string;
}

export interface Verifier {
  readonly name: string;
  readonly keyId: Buffer;
  readonly verify: (text: string, signature: Buffer) => boolean;
}

const keyIdOf = (name: string, publicKey: Buffer): Buffer =>
  createHash('sha256')
    .update(name)
    .update(Buffer.from([0x0a, algorithm]))
    .update(publicKey)
    .digest()
    .subarray(0, idBytes);

/** No white space, which ends it in a note, and no plus, which ends it in a key. */
const assertName = (name: string): void => {
  if (name === '' || /[\s+\p{Cc}]/u.test(name))
    throw new NoteError(`"${name}" is no name of a key: it may hold neither white space nor +.`);
};

const rawPublic = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(spkiPrefix.length) as Buffer;

/** `seed`: the 32 bytes of an Ed25519 private key. */
export const signerOf = (name: string, seed: Buffer): Signer => {
  assertName(name);
  if (seed.length !== keyBytes) throw new NoteError(`A signing key has ${keyBytes} bytes.`);
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = rawPublic(key);
  const keyId = keyIdOf(name, publicKey);
  const encoded = Buffer.concat([Buffer.from([algorithm]), publicKey]).toString('base64');
  return {
    name,
    vkey: `${name}+${keyId.toString('hex')}+${encoded}`,
    sign(text) {
      assertText(text);
      const signature = Buffer.concat([keyId, signBytes(null, Buffer.from(text), key)]);
      return `${text}\n— ${name} ${signature.toString('base64')}\n`;
    },
  };
};

/** @throws NoteError where it is no verifier key of an algorithm known here. */
export const verifierOf = (vkey: string): Verifier => {
  const wrong = (): NoteError =>
    new NoteError(`"${vkey.slice(0, 200)}" is no verifier key: it reads <name>+<8 hex digits>+<base64>.`);
  const [, name = '', id = '', encoded = ''] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(vkey) ?? [];
  const bytes = strictBase64(encoded);
  if (!/^[0-9a-f]{8}$/.test(id) || bytes === undefined) throw wrong();
  assertName(name);
  if (bytes.length !== 1 + keyBytes || bytes[0] !== algorithm) throw wrong();
  const publicKey = bytes.subarray(1);
  const keyId = keyIdOf(name, publicKey);
  if (keyId.toString('hex') !== id) throw new NoteError(`The key ${name} does not belong to its id ${id}.`);
  const key = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' });
  return {
    name,
    keyId,
    verify: (text, signature) => verifyBytes(null, Buffer.from(text), key, signature),
  };
};

interface Signature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly bytes: Buffer;
}

/**
 * The text of a note that one of the keys signed. Signatures of keys that are not known are passed over; one
 * of a known key that does not hold makes the note false.
 * @throws NoteError
 */
export const openNote = (note: string, verifiers: readonly Verifier[]): string => {
  assertText(note);
  const end = note.lastIndexOf('\n\n');
  if (end < 0) throw new NoteError('The note has no signatures: an empty line stands before them.');
  const text = note.slice(0, end + 1);
  let known = 0;
  for (const { name, keyId, bytes } of signaturesOf(note.slice(end + 2))) {
    const verifier = verifiers.find((one) => one.name === name && one.keyId.equals(keyId));
    if (verifier === undefined) continue;
    if (bytes.length !== signatureBytes || !verifier.verify(text, bytes))
      throw new NoteError(`The signature of ${name} does not hold: the note was altered.`);
    known++;
  }
  if (known === 0) throw new NoteError('None of the given keys has signed the note.');
  return text;
};

const signaturesMax = 100;

const signaturesOf = (lines: string): readonly Signature[] => {
  if (lines === '' || !lines.endsWith('\n')) throw new NoteError('The note ends within a signature.');
  const all = lines.slice(0, -1).split('\n');
  if (all.length > signaturesMax) throw new NoteError('The note has too many signatures.');
  return all.map((line) => {
    const [, name = '', encoded = ''] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = strictBase64(encoded);
    if (name === '' || bytes === undefined || bytes.length <= idBytes)
      throw new NoteError('A signature line of the note is malformed.');
    return { name, keyId: bytes.subarray(0, idBytes), bytes: bytes.subarray(idBytes) };
  });
};

const assertText = (text: string): void => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a note may not hold.
  if (/[\x00-\x09\x0b-\x1f\x7f]/.test(text) || !text.isWellFormed() || !text.endsWith('\n'))
    throw new NoteError('A note is UTF-8 text without control characters that ends in a new line.');
};

/** Standard alphabet, padded, and in the one way that encodes these bytes; otherwise undefined. */
export const strictBase64 = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text && text !== '' ? bytes : undefined;
};
