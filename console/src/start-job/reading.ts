/** How a file is read: what was found in it, corrected by people, and sent along so that the server reads alike. */
export const encodings = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
export const delimiters = { comma: ',', semicolon: ';', tab: '\t' } as const;

export type Delimiter = keyof typeof delimiters;

export interface Reading {
  readonly encoding?: string;
  readonly delimiter?: Delimiter;
  /** Never found, always chosen: 1.500 may be either. */
  readonly decimal?: 'comma';
  /** Of a workbook. */
  readonly sheet?: string;
}

const marks: readonly (readonly [string, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/** By its mark, else UTF-8 where it is that. */
const encodingOf = (bytes: Uint8Array): string => {
  const marked = marks.find(([, mark]) => mark.every((byte, n) => bytes[n] === byte));
  if (marked !== undefined) return marked[0];
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return 'utf-8';
  } catch {
    return 'windows-1252';
  }
};

export const decoded = (bytes: Uint8Array, said: string | undefined): { text: string; encoding: string } => {
  const encoding = said ?? encodingOf(bytes);
  return { text: new TextDecoder(encoding).decode(bytes, { stream: true }), encoding };
};
