/**
 * Reading a JSON body: at most 1 MB, UTF-8, `application/json`, one object. Each way of being wrong has
 * its own code. Uploads never come through here: they are streamed.
 *
 * Of a name that stands twice in one object the last one counts, as everywhere in JavaScript; schemas
 * are strict, so it cannot smuggle a field in.
 */
import type { Request } from 'express';
import { invalidInput, QuarterdeckError } from '../errors.ts';
import { requireSound } from '../events/sound-json.ts';
import { malformed } from './problem.ts';

export const bodyBytesMax = 1024 * 1024;

/** How much of a body that is too large is read and dropped, so that its sender gets to see the answer. */
const drainBytesMax = 16 * bodyBytesMax;

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws QuarterdeckError unsupported_media_type, too_large, malformed_request, invalid_input. */
export const readJsonObject = async (
  request: Request,
  mediaTypes: readonly string[] = ['application/json'],
): Promise<JsonObject> => {
  requireJson(request, mediaTypes);
  const value = parsedBefore(request) ?? parse(decode(await readBytes(request)));
  requireSound(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidInput('', 'Send one JSON object, like {"field": "value"}.');
  }
  return value as JsonObject;
};

/** In a foreign express app a parser of its own may have taken the body already. */
const parsedBefore = (request: Request): unknown =>
  request.readableEnded && typeof request.body === 'object' ? request.body : undefined;

/** The media type without its parameters, in lower case; '' where none was sent. */
export const mediaTypeOf = (request: Request): string =>
  (request.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

export const unsupported = (detail: string): QuarterdeckError =>
  new QuarterdeckError('unsupported_media_type', detail);

/** Bodies are taken as they are: compressed ones could unfold to any size. */
export const requireUncompressed = (request: Request): void => {
  const encoding = request.get('content-encoding');
  if (encoding !== undefined && encoding !== 'identity')
    throw unsupported('Send the body without Content-Encoding.');
};

/** The `charset` of the media type; undefined where it says none. */
export const charsetOf = (request: Request): string | undefined =>
  /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.get('content-type') ?? '')?.[1];

const requirePlainUtf8 = (request: Request): void => {
  requireUncompressed(request);
  const charset = charsetOf(request);
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) throw unsupported('Send the body in UTF-8.');
};

const requireJson = (request: Request, mediaTypes: readonly string[]): void => {
  if (!mediaTypes.includes(mediaTypeOf(request))) {
    throw unsupported(`Send JSON with Content-Type: ${mediaTypes.join(' or ')}.`);
  }
  requirePlainUtf8(request);
};

/**
 * Reads to the end even where too much comes: an early answer would be lost in a reset connection. By
 * events, because this is on the way of every command and an async iteration costs as much as the rest.
 */
const readBytes = (request: Request): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bodyBytesMax) chunks.push(chunk);
      else if (size > drainBytesMax) finish();
    });
    const finish = () => {
      if (size > bodyBytesMax) reject(tooLarge());
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size));
    };
    request.on('end', finish);
    request.on('error', () => reject(malformed('The body ended before it was whole.')));
  });

const tooLarge = (): QuarterdeckError =>
  new QuarterdeckError('too_large', `A body may have ${bodyBytesMax} bytes; this one has more.`, {
    extra: { limitBytes: bodyBytesMax },
  });

const utf8 = new TextDecoder('utf-8', { fatal: true });

const decode = (bytes: Buffer): string => {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed('The body is not UTF-8.');
  }
};

const parse = (text: string): unknown => {
  if (text.trim() === '') throw malformed('The body is empty; send one JSON object.');
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the body, which may hold personal data.
    throw malformed('The body is not valid JSON.');
  }
};
