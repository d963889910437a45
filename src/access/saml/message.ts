/** The two ways a SAML message is packed into a form field or a query: base64, and deflated base64. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { SamlRefusal } from './refusal.ts';

const base64Pattern = /^[A-Za-z0-9+/]+={0,2}$/;
/** Beyond what `xml-bounds.ts` lets through, whatever the message's letters are made of. */
const packedCharactersMax = 256 * 1024;
/** Only messages of single logout come deflated, and are small. */
const inflatedBytesMax = 64 * 1024;

const bytesOf = (packed: unknown): Buffer => {
  if (typeof packed !== 'string' || packed === '')
    throw new SamlRefusal('field', 'The message is missing or repeated.');
  if (packed.length > packedCharactersMax) throw new SamlRefusal('size', 'The message is too large.');
  const compact = packed.replace(/[\r\n\t ]/g, '');
  if (!base64Pattern.test(compact)) throw new SamlRefusal('base64', 'The message is not base64.');
  return Buffer.from(compact, 'base64');
};

/** Only UTF-8: another encoding would be read differently by different parsers. */
const textOf = (bytes: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SamlRefusal('encoding', 'The message is not UTF-8.', { cause });
  }
};

/** HTTP-POST binding. @throws SamlRefusal */
export const unpackPosted = (packed: unknown): string => textOf(bytesOf(packed));

export const packPosted = (xml: string): string => Buffer.from(xml, 'utf8').toString('base64');

/** HTTP-Redirect binding. @throws SamlRefusal */
export const unpackRedirected = (packed: unknown): string => {
  const bytes = bytesOf(packed);
  try {
    return textOf(inflateRawSync(bytes, { maxOutputLength: inflatedBytesMax }));
  } catch (cause) {
    if (cause instanceof SamlRefusal) throw cause;
    throw new SamlRefusal('deflate', 'The message is not deflated, or too large.', { cause });
  }
};

export const packRedirected = (xml: string): string =>
  deflateRawSync(Buffer.from(xml, 'utf8')).toString('base64');
