/**
 * Tokens of the audit index: what an attribute and its value, or a word of a reason, are called in it. Numbers
 * below 2^53. Two values may share one by chance, so whatever the index finds is compared with the event.
 */
import { createHmac } from 'node:crypto';

export type Token = number;

/**
 * cyrb53, a public-domain hash by bryc (https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js):
 * a token is made for a dozen values of each event, and nothing secret hangs on it.
 */
export const tokenOf = (attribute: string, value: string): Token => {
  const text = `${attribute}=${value}`;
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    low = Math.imul(low ^ unit, 2654435761);
    high = Math.imul(high ^ unit, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return 0x100000000 * (0x1fffff & high) + (low >>> 0);
};

/** Of one reason at most; a longer text is found by the first of them. */
const wordsMax = 64;
const wordLengthMax = 40;

/**
 * The distinct words of a text: letters and digits of any script, without case, accents and forms of writing
 * the same. Each at most 40 characters.
 */
export const wordsOf = (text: string): readonly string[] => {
  // By way of upper case, which writes ß as SS.
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toUpperCase().toLowerCase();
  const words = new Set<string>();
  for (const [word] of plain.matchAll(/[\p{L}\p{N}]+/gu)) {
    words.add(word.slice(0, wordLengthMax));
    if (words.size === wordsMax) break;
  }
  return [...words];
};

export type WordToken = (word: string) => Token;

/** Keyed: who has the database without the log's secret cannot try words. */
export const createWordTokens = (secret: Buffer): WordToken => {
  const key = createHmac('sha256', secret).update('quarterdeck audit words').digest();
  return (word) => createHmac('sha256', key).update(word).digest().readUIntBE(0, 6);
};
