/**
 * Answers of any length: rows flow from an async iteration to the socket at the speed of its reader,
 * and a reader that goes away ends the iteration. The first row is waited for before the status is
 * sent, so that a refusal or a fault at the start is still a problem and not half a body.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';

export interface TextStream {
  readonly contentType: string;
  /** Offered as a download of this name. */
  readonly fileName?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly chunks: AsyncIterable<string>;
}

/** Small chunks are sent together: one write a row would cost a packet a row. */
const writeCharsMin = 32 * 1024;

export const sendStream = async (request: Request, response: Response, stream: TextStream): Promise<void> => {
  const chunks = stream.chunks[Symbol.asyncIterator]();
  const first = await chunks.next();
  response.setHeader('Content-Type', stream.contentType);
  if (stream.fileName !== undefined)
    response.setHeader('Content-Disposition', `attachment; filename="${stream.fileName}"`);
  for (const [name, value] of Object.entries(stream.headers ?? {})) response.setHeader(name, value);
  if (request.method === 'HEAD') {
    await chunks.return?.();
    response.end();
    return;
  }
  const whole = gathered(prepended(first, chunks));
  await sendBytes(response, whole);
};

/** At the speed of its reader. Status and headers are set before. */
export const sendBytes = (response: Response, chunks: AsyncIterable<string | Uint8Array>): Promise<void> =>
  pipeline(Readable.from(chunks, { objectMode: false }), response).catch((error: unknown) => {
    // The reader left: nobody is there to be told, and the iteration has ended.
    if (!wentAway(error)) throw error;
  });

async function* prepended(
  first: IteratorResult<string>,
  rest: AsyncIterator<string>,
): AsyncGenerator<string> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function* gathered(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length < writeCharsMin) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

const wentAway = (error: unknown): boolean => {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'EPIPE';
};

/** One JSON value a line. */
export async function* ndjsonLines(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}
