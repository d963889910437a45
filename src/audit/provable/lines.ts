/** The lines of a provable export as text, and gathering them. */
import type { StoredEvent } from '../../events/envelope.ts';
import { entryOf } from '../transparency/entry.ts';

/** Whole lines, many to a text. */
export type Texts = readonly string[];

/**
 * V8 moves a string of more than 128 KiB to the old generation the first time that it is met alive, where it stays
 * until all of the heap is looked through; these are dead before they are met twice.
 */
const textChars = 32 * 1024;

export interface GatheredLines {
  add(line: string): void;
  texts(): Texts;
}

export const gatherLines = (): GatheredLines => {
  const whole: string[] = [];
  let text = '';
  return {
    add(line) {
      text += line;
      if (text.length < textChars) return;
      whole.push(text);
      text = '';
    },
    texts: () => (text === '' ? whole : [...whole, text]),
  };
};

export const eventLine = (leaf: string, stored: string, readable: string | undefined): string =>
  `{"leaf":"${leaf}","stored":${oneLine(stored)}${readable === undefined ? '' : `,"event":${readable}`}}\n`;

export const entryLine = (leaf: string, event: StoredEvent): string =>
  `{"leaf":"${leaf}","entry":${entryOf(event)}}\n`;

export const missingLine = (leaf: string, position: number): string =>
  `{"leaf":"${leaf}","missing":${position}}\n`;

/** JSON text that was altered in place may hold line breaks between its tokens, and nowhere else. */
const oneLine = (json: string): string => (json.includes('\n') ? json.replaceAll('\n', ' ') : json);

/** One by one, for whoever does not ask which page they are of. */
export async function* textsOf(pages: AsyncIterable<Texts>): AsyncGenerator<string> {
  for await (const texts of pages) yield* texts;
}
