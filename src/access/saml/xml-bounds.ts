/**
 * How large XML of strangers may be, told from its text in one pass before any parser sees it: a parser of
 * documents takes a time that grows with the square of depth and of declared prefixes, so that a kilobyte
 * of deflated nesting cost eight seconds.
 */
import { SamlRefusal } from './refusal.ts';

export interface Bounds {
  readonly characters: number;
  readonly elements: number;
  /** Of all elements together, declarations of namespaces among them. */
  readonly attributes: number;
  /** Different prefixes that are declared anywhere. */
  readonly prefixes: number;
  readonly depth: number;
}

/** Answers to sign-ins: room for some nine hundred groups, each value with declarations of its own. */
export const answerBounds: Bounds = {
  characters: 128 * 1024,
  elements: 1_000,
  attributes: 4_000,
  prefixes: 50,
  depth: 40,
};

/** Messages of single logout, which anybody may send us: a name, a session or two and a signature. */
export const logoutBounds: Bounds = {
  characters: 16 * 1024,
  elements: 100,
  attributes: 200,
  prefixes: 20,
  depth: 20,
};

/** Metadata comes from where our own settings say. */
export const metadataBounds: Bounds = {
  characters: 512 * 1024,
  elements: 5_000,
  attributes: 20_000,
  prefixes: 50,
  depth: 40,
};

/** @throws SamlRefusal `size`, `depth`, `doctype`, `plain` or, where a tag has no end, `xml` */
export const checkBounds = (text: string, bounds: Bounds): void => {
  if (text.length > bounds.characters) throw new SamlRefusal('size', 'The message is too large.');
  // Looked for in the text, so that it does not matter what a parser makes of one.
  if (/<!\s*(DOCTYPE|ENTITY)/i.test(text)) throw new SamlRefusal('doctype', 'The message has a DOCTYPE.');
  let depth = 0;
  let elements = 0;
  let attributes = 0;
  for (const { kind, values } of tagsIn(text)) {
    if (kind !== 'end') elements++;
    attributes += values;
    depth += kind === 'start' ? 1 : kind === 'end' ? -1 : 0;
    if (depth > bounds.depth) throw new SamlRefusal('depth', 'The message is nested too deeply.');
    if (elements > bounds.elements || attributes > bounds.attributes)
      throw new SamlRefusal('size', 'The message has too many elements or attributes.');
  }
  checkPrefixes(text, bounds.prefixes);
};

interface Tag {
  readonly kind: 'start' | 'end' | 'empty';
  /** Quoted ones. */
  readonly values: number;
}

export const notPlain = (): SamlRefusal =>
  new SamlRefusal('plain', 'The message has comments, instructions or CDATA.');

function* tagsIn(text: string): Generator<Tag> {
  for (let at = text.indexOf('<'); at !== -1; ) {
    const next = text[at + 1];
    if (next === '!' || next === '?') throw notPlain();
    const { end, values } = endOfTag(text, at);
    yield { kind: next === '/' ? 'end' : text[end - 1] === '/' ? 'empty' : 'start', values };
    at = text.indexOf('<', end);
  }
}

/** Where its `>` stands; one within quotes is none, and a `<` is nowhere allowed. */
const endOfTag = (text: string, from: number): { readonly end: number; readonly values: number } => {
  const mark = /[<>"']/g;
  mark.lastIndex = from + 1;
  for (let values = 0; ; values++) {
    const found = mark.exec(text);
    if (found?.[0] === '>') return { end: found.index, values };
    const closing = found === null || found[0] === '<' ? -1 : text.indexOf(found[0], mark.lastIndex);
    if (closing === -1) throw new SamlRefusal('xml', 'The message is not well-formed XML.');
    mark.lastIndex = closing + 1;
  }
};

const checkPrefixes = (text: string, most: number): void => {
  const declared = new Set<string>();
  for (const [, prefix = ''] of text.matchAll(/xmlns:([^\s=]{1,100})/g)) {
    declared.add(prefix);
    if (declared.size > most) throw new SamlRefusal('size', 'The message declares too many namespaces.');
  }
};
