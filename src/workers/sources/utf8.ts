/** Passes bytes on while they are UTF-8, and stops with `malformed_request` where they are not. */
import { QuarterdeckError } from '../../errors.ts';

export async function* requireUtf8(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const bytes of content) {
    check(() => decoder.decode(bytes, { stream: true }));
    yield bytes;
  }
  check(() => decoder.decode());
}

const check = (decode: () => string): void => {
  try {
    decode();
  } catch {
    throw new QuarterdeckError(
      'malformed_request',
      'The upload is not UTF-8. Save it as UTF-8 and send it again.',
    );
  }
};
