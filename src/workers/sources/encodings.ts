/**
 * The encodings that an upload may be in. Each says how many bytes of a piece are whole characters, decodes
 * them, and where it cannot, says how many lines come before the fault. Not `TextDecoder`: the one of
 * Node.js 20 reads Windows-1252 as ISO-8859-1 (no euro sign), and checks UTF-8 at a fifth of `isUtf8`'s speed.
 */
import { isUtf8 } from 'node:buffer';

export interface Encoding {
  readonly name: 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';
  /** How many of the bytes are whole characters; the others wait for more. */
  whole(bytes: Buffer): number;
  /** undefined: they are not in this encoding. */
  decode(bytes: Buffer): string | undefined;
  /** Line ends before the first fault of what could not be decoded. */
  linesBeforeFault(bytes: Buffer): number;
}

const newline = 0x0a;

export const countLines = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
};

/** A sequence of UTF-8 has at most four bytes, and its first one says how many. */
const wholeUtf8 = (bytes: Buffer): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const needed = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return needed > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
};

const utf8: Encoding = {
  name: 'utf-8',
  whole: wholeUtf8,
  decode: (bytes) => (isUtf8(bytes) ? bytes.toString('utf8') : undefined),
  linesBeforeFault(bytes) {
    let lines = 0;
    for (let from = 0; ; lines++) {
      const end = bytes.indexOf(newline, from);
      if (end < 0 || !isUtf8(bytes.subarray(from, end))) return lines;
      from = end + 1;
    }
  },
};

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

const utf16 = (name: 'utf-16le' | 'utf-16be'): Encoding => {
  const unitAt = (bytes: Buffer, at: number): number =>
    name === 'utf-16le' ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  const lossy = (bytes: Buffer): string =>
    (name === 'utf-16le' ? bytes : Buffer.from(bytes).swap16()).toString('utf16le');
  return {
    name,
    whole(bytes) {
      const even = bytes.length - (bytes.length % 2);
      return even > 0 && isHighSurrogate(unitAt(bytes, even - 2)) ? even - 2 : even;
    },
    decode(bytes) {
      if (bytes.length % 2 === 1) return undefined;
      const text = lossy(bytes);
      return text.isWellFormed() ? text : undefined;
    },
    linesBeforeFault(bytes) {
      const text = lossy(bytes.subarray(0, bytes.length - (bytes.length % 2)));
      const fault = text.search(/\p{Surrogate}/u);
      return countLines(fault < 0 ? text : text.slice(0, fault));
    },
  };
};

/** 0x80 to 0x9f (https://encoding.spec.whatwg.org/index-windows-1252.txt); blanks stand for what is not used. */
const c1 = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ';
const inC1 = /[\x80-\x9f]/;
const unused = /[\x81\x8d\x8f\x90\x9d]/;

const windows1252: Encoding = {
  name: 'windows-1252',
  whole: ({ length }) => length,
  decode(bytes) {
    const text = bytes.toString('latin1');
    if (!inC1.test(text)) return text;
    if (unused.test(text)) return undefined;
    return text.replace(/[\x80-\x9f]/g, (byte) => c1[byte.charCodeAt(0) - 0x80] ?? '');
  },
  linesBeforeFault(bytes) {
    const text = bytes.toString('latin1');
    return countLines(text.slice(0, text.search(unused)));
  },
};

const [utf16le, utf16be] = [utf16('utf-16le'), utf16('utf-16be')];

/** Also by the other names that programs give them; ISO-8859-1 is meant as Windows-1252, as on the web. */
const byLabel: Readonly<Record<string, Encoding>> = {
  'utf-8': utf8,
  utf8,
  'utf-16': utf16le,
  'utf-16le': utf16le,
  'utf-16be': utf16be,
  'windows-1252': windows1252,
  cp1252: windows1252,
  'iso-8859-1': windows1252,
  latin1: windows1252,
};

export const encodingsSaid = 'utf-8, utf-16le, utf-16be or windows-1252';

export const encodingOf = (label: string): Encoding | undefined => {
  const name = label.toLowerCase();
  return Object.hasOwn(byLabel, name) ? byLabel[name] : undefined;
};

/** A byte order mark says what a file is in, whatever else was said. */
export const byMark = (bytes: Buffer): { encoding: Encoding; markBytes: number } | undefined => {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return { encoding: utf8, markBytes: 3 };
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { encoding: utf16le, markBytes: 2 };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { encoding: utf16be, markBytes: 2 };
  return undefined;
};
