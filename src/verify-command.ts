/** `quarterdeck verify`: what an auditor runs, on a machine that need not know any of our servers. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { createGunzip } from 'node:zlib';
import { openHands } from './audit/verify/hands.ts';
import { toldOf, type Verdict } from './audit/verify/verdict.ts';
import { verify } from './audit/verify/verify.ts';

export interface VerifyOptions {
  /** Verifier keys, or files with one a line. */
  readonly key: readonly string[];
  /** A file with a checkpoint that was kept. */
  readonly earlier?: string;
  /** A CSV file, where the source is its manifest. */
  readonly events?: string;
  /** A file with the bearer token for a URL. */
  readonly tokenFile?: string;
  readonly threads?: number;
}

/** The command was given what it cannot use: told in a sentence. */
export class VerifyError extends Error {}

/** 0: intact; 1: it is not; 2: that could not be told. */
export const exitCodeOf = ({ intact, unverifiable }: Verdict): number =>
  unverifiable === undefined ? (intact ? 0 : 1) : 2;

const isUrl = (text: string): boolean => /^https?:\/\//.test(text);

const keysOf = async (given: readonly string[]): Promise<readonly string[]> => {
  if (given.length === 0)
    throw new VerifyError(
      'Give the verifier key of the log, or a file with it: --key. A server has it at /internal/v1/audit/vkey.',
    );
  const texts = await Promise.all(
    given.map((one) => (one.includes('+') ? one : textOf(one, 'a verifier key, nor a file that holds one'))),
  );
  return texts.flatMap((text) => text.split('\n').filter((line) => line.trim() !== ''));
};

const textOf = (file: string, what: string): Promise<string> =>
  readFile(file, 'utf8').catch(() => {
    throw new VerifyError(`${file} is not ${what}.`);
  });

const fetchAgain = 'Fetch it anew, whole, and verify that.';

/** Opened when it is first read from: a stream that fails before anybody listens would end the process. */
const fileOf = async (file: string): Promise<AsyncIterable<Uint8Array>> => {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw new VerifyError(`There is no file ${file}.`);
  const open = () => createReadStream(file, { highWaterMark: 1_048_576 });
  if (!file.endsWith('.gz')) return readable(open, `${file} cannot be read to its end`);
  // As the archive keeps them.
  return readable(() => {
    const [content, unpacked] = [open(), createGunzip()];
    content.on('error', (error) => unpacked.destroy(error));
    return content.pipe(unpacked);
  }, `${file} cannot be unpacked to its end`);
};

/** Where it breaks off, nothing can be told of what it holds. */
async function* readable(
  open: () => AsyncIterable<Uint8Array>,
  sentence: string,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of open()) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? cause.message : message;
    throw new VerifyError(`${sentence}: ${why} (behind ${bytes} bytes of what it holds). ${fetchAgain}`);
  }
}

const serverOf = (url: string): URL => {
  try {
    return new URL('/internal/v1/audit/exports', url);
  } catch {
    throw new VerifyError(`${url} is no URL of a server.`);
  }
};

/** The whole log of a server, as a provable export of this moment. */
const exportOf = async (url: string, tokenFile: string | undefined): Promise<AsyncIterable<Uint8Array>> => {
  if (tokenFile === undefined)
    throw new VerifyError(
      'A server gives its log to whoever may have it: name a file with a token (--token-file).',
    );
  const token = (await textOf(tokenFile, 'a file that can be read')).trim();
  const answer = await fetch(serverOf(url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  }).catch((error: Error) => {
    throw new VerifyError(`${url} does not answer: ${String(error.cause ?? error.message)}`);
  });
  if (!answer.ok || answer.body === null)
    throw new VerifyError(`${url} answers ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
  const { body } = answer;
  return readable(() => body, `What ${url} sends broke off`);
};

const threadsMax = 64;

const threadsOf = (given = Math.min(availableParallelism(), threadsMax)): number => {
  if (Number.isInteger(given) && given >= 1 && given <= threadsMax) return given;
  throw new VerifyError(`--threads is a whole number from 1 to ${threadsMax}.`);
};

/** @throws VerifyError whatever it was that kept it from being told: anything else would read like a verdict. */
export const verifyGiven = async (
  source: string,
  options: VerifyOptions,
  say: (line: string) => void,
): Promise<Verdict> => {
  try {
    return await verifyWith(source, options, say);
  } catch (error) {
    if (error instanceof VerifyError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new VerifyError(`${source} could not be verified: ${message}`, { cause: error });
  }
};

const verifyWith = async (
  source: string,
  options: VerifyOptions,
  say: (line: string) => void,
): Promise<Verdict> => {
  const threads = threadsOf(options.threads);
  const vkeys = await keysOf(options.key);
  const hands = openHands(threads);
  try {
    const verdict = await verify(
      {
        vkeys,
        source: isUrl(source) ? await exportOf(source, options.tokenFile) : await fileOf(source),
        ...(options.earlier === undefined
          ? {}
          : { earlier: await textOf(options.earlier, 'a file with a checkpoint') }),
        ...(options.events === undefined ? {} : { csv: await fileOf(options.events) }),
      },
      hands,
    );
    for (const line of toldOf(verdict)) say(line);
    return verdict;
  } finally {
    await hands.close();
  }
};
