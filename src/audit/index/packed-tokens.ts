/** Tokens of fresh rows as bytes: eight each, big-endian, one behind another, so that a row is searched as it lies. */
import type { Token } from './tokens.ts';

const tokenBytes = 8;
const halfRange = 0x1_0000_0000;

export interface PackedLists {
  /** Of all lists, one behind another. */
  readonly bytes: Buffer;
  /** Where each list ends. */
  readonly ends: readonly number[];
}

export const packTokens = (lists: readonly (readonly Token[])[]): PackedLists => {
  const bytes = Buffer.allocUnsafe(tokenBytes * lists.reduce((sum, { length }) => sum + length, 0));
  const ends: number[] = [];
  let at = 0;
  for (const list of lists) {
    for (const token of list) {
      bytes.writeUInt32BE(Math.floor(token / halfRange), at);
      bytes.writeUInt32BE(token >>> 0, at + 4);
      at += tokenBytes;
    }
    ends.push(at);
  }
  return { bytes, ends };
};

export const packToken = (token: Token): Buffer => packTokens([[token]]).bytes;

export const unpackTokens = (bytes: Buffer): readonly Token[] => {
  const tokens: Token[] = [];
  for (let at = 0; at < bytes.length; at += tokenBytes)
    tokens.push(bytes.readUInt32BE(at) * halfRange + bytes.readUInt32BE(at + 4));
  return tokens;
};
