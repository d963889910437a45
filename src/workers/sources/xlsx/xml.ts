/**
 * XML in pieces, strictly: what is not well-formed is refused, and of entities only XML's own five mean
 * anything, so that nothing can unfold. Names are taken without their prefix, which a workbook may have.
 */
import { SaxesParser } from 'saxes';
import { broken, cellTooLong } from './faults.ts';

export type Attributes = Readonly<Record<string, string>>;

export interface XmlHandler {
  open?(name: string, attributes: Attributes): void;
  close?(name: string): void;
  text?(text: string): void;
}

/** More than a spreadsheet program lets anybody type (32,767). */
export const cellCharsMax = 64 * 1024;

/** A tag that does not end, or text without one, is gathered by the parser: this much of it. */
const betweenTagsMax = 4 * cellCharsMax;

/** A workbook's parts are some ten deep; each open tag is kept by the parser until it is closed. */
const depthMax = 64;

const local = (name: string): string => name.slice(name.indexOf(':') + 1);

/** Yields after each piece, when everything in it was handed over. */
export async function* readXml(pieces: AsyncIterable<string>, handler: XmlHandler): AsyncGenerator<void> {
  const parser = new SaxesParser({ position: false, xmlns: false });
  let sinceTag = 0;
  let depth = 0;
  parser.on('error', () => {
    throw broken();
  });
  parser.on('opentag', ({ name, attributes }) => {
    sinceTag = 0;
    if (++depth > depthMax) throw broken();
    handler.open?.(local(name), attributes);
  });
  parser.on('closetag', ({ name }) => {
    sinceTag = 0;
    depth--;
    handler.close?.(local(name));
  });
  const text = (part: string): void => {
    if (part.length > cellCharsMax) throw cellTooLong(cellCharsMax);
    handler.text?.(part);
  };
  parser.on('text', text);
  parser.on('cdata', text);
  for await (const piece of pieces) {
    sinceTag += piece.length;
    parser.write(piece);
    if (sinceTag > betweenTagsMax + piece.length) throw cellTooLong(cellCharsMax);
    yield;
  }
  parser.close();
}

/** To the end, for parts that are read whole. */
export const readAllXml = async (pieces: AsyncIterable<string>, handler: XmlHandler): Promise<void> => {
  for await (const _ of readXml(pieces, handler)) {
    // Everything is in the handler.
  }
};
