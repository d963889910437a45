/**
 * Where files are kept, whatever keeps them: a directory, or a bucket that speaks S3. A file appears whole or
 * not at all, under a name that was checked; nobody who reads one sees half of it. Everything streams: what a
 * file takes of memory does not depend on its size.
 */

/** Bytes from `start` up to and without `end`; what lies beyond the file's end is left out. */
export interface ByteRange {
  readonly start?: number;
  readonly end?: number;
}

export interface StoredFile {
  readonly name: string;
  readonly bytes: number;
}

export type Content = Buffer | AsyncIterable<Uint8Array>;

export interface Storage {
  /**
   * Durable when it resolves, with the number of bytes; a file of that name is replaced at that moment. Where
   * `content` fails, it fails as that did and nothing is left behind.
   */
  write(name: string, content: Content): Promise<number>;
  /** undefined: there is no such file. Leave the iteration early or drain it: it holds a file or connection open. */
  read(name: string, range?: ByteRange): Promise<AsyncIterable<Buffer> | undefined>;
  /** undefined: there is no such file. */
  stat(name: string): Promise<{ readonly bytes: number } | undefined>;
  /** Files whose names begin with `prefix` (`tiles/0/`; '' for all), in no order. */
  list(prefix: string): AsyncIterable<StoredFile>;
  /** Also fine where there is no such file. */
  remove(name: string): Promise<void>;
  /** Lets connections go. */
  close(): void;
}

/** S3 allows 1,024 bytes for prefix and name together; a file system 255 for a segment. */
const nameCharsMax = 512;
const segment = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/;

/**
 * `archive/2026-11/000001.jsonl`: no segment is empty or begins with a dot, so that no name leads out of the
 * place and none is taken for something of the file system's own.
 *
 * @throws Error for any other name: names are made by the program, never by a caller.
 */
export const requireName = (name: string): string => {
  if (name.length <= nameCharsMax && name.split('/').every((part) => segment.test(part))) return name;
  throw new Error(`"${name.slice(0, 100)}" is no name for a stored file.`);
};

/** As a name, but it may end in the middle of one. */
export const requirePrefix = (prefix: string): string => {
  if (prefix !== '') requireName(prefix.replace(/\/$/, ''));
  return prefix;
};
