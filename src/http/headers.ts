/**
 * The request headers that mean something here, read strictly: a header that cannot be understood is
 * refused rather than ignored, because each of them asks for a guarantee.
 */
import type { Request } from 'express';
import { malformed } from './problem.ts';

/** `Idempotency-Key`: 1–255 visible ASCII characters. */
export const idempotencyKeyOf = (request: Request): string | undefined => {
  const key = request.get('idempotency-key');
  if (key === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw malformed('Idempotency-Key takes 1 to 255 visible ASCII characters, for instance a UUID.');
  }
  return key;
};

/** `If-Match`: one strong entity tag that is a version, `"3"`; `"0"` means the stream must not exist. */
export const ifMatchOf = (request: Request): number | undefined => {
  const value = request.get('if-match');
  if (value === undefined) return undefined;
  const version = /^"(0|[1-9]\d{0,14})"$/.exec(value.trim())?.[1];
  if (version === undefined) {
    throw malformed(
      'If-Match takes one version as a strong entity tag, like "3"; "0" for what must not exist.',
    );
  }
  return Number(version);
};

/** `Quarterdeck-Min-Position`: a position that the answer must have reached. */
export const minPositionOf = (request: Request): number | undefined => {
  const value = request.get('quarterdeck-min-position');
  if (value === undefined) return undefined;
  if (!/^(0|[1-9]\d{0,14})$/.test(value))
    throw malformed('Quarterdeck-Min-Position takes a log position, like 1024.');
  return Number(value);
};

const freeTextBytesMax = 8 * 1024;

/** `Quarterdeck-Reason`: percent-encoded UTF-8; absent where empty. */
export const freeTextOf = (request: Request, name: string): string | undefined => {
  const value = request.get(name);
  if (value === undefined) return undefined;
  const text = decode(name, value).trim();
  if (text.includes('\u0000')) throw malformed(`${name} holds a NUL character; leave it out.`);
  return text === '' ? undefined : text;
};

const referenceCharactersMax = 100;

/**
 * `Quarterdeck-Reference`: a ticket's id. It stands in the clear in the log, so it is no place for prose or
 * an address.
 */
export const referenceOf = (request: Request): string | undefined => {
  const reference = freeTextOf(request, 'Quarterdeck-Reference');
  if (reference === undefined || (reference.length <= referenceCharactersMax && !/[\s@]/.test(reference)))
    return reference;
  throw malformed(
    `Quarterdeck-Reference takes the id of a ticket, such as OPS-4711: at most ${referenceCharactersMax} characters, without spaces or "@". Put words into Quarterdeck-Reason.`,
  );
};

const decode = (name: string, value: string): string => {
  // Node reads header bytes as Latin-1: anything beyond ASCII was not percent-encoded and would be garbled.
  if (!/^[\x20-\x7e]*$/.test(value) || value.length > freeTextBytesMax) {
    throw malformed(`${name} takes percent-encoded UTF-8 of at most ${freeTextBytesMax} bytes.`);
  }
  try {
    return decodeURIComponent(value);
  } catch {
    throw malformed(`${name} is not percent-encoded UTF-8.`);
  }
};
