/**
 * What a stranger's message may cost. Each text here also breaks a rule that only the parser knows (its
 * last tag is missing), so that a refusal by size or depth shows that no parser began on it.
 */
import { deflateRawSync } from 'node:zlib';
import { unpackPosted, unpackRedirected } from '../../src/access/saml/message.ts';
import { SamlRefusal } from '../../src/access/saml/refusal.ts';
import { elementsOf, parseXml } from '../../src/access/saml/xml.ts';
import { type Bounds, logoutBounds, metadataBounds } from '../../src/access/saml/xml-bounds.ts';

const refusal = (work: () => unknown): string => {
  try {
    work();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof SamlRefusal)) throw error;
    return error.check;
  }
};

const checked = (xml: string, bounds?: Bounds): string => refusal(() => parseXml(xml, bounds));

const declaring = (count: number): string =>
  Array.from({ length: count }, (_, i) => `xmlns:p${i}="u"`).join(' ');

describe('before a parser begins, a message is refused', () => {
  test.each([
    ['nested without end', 'depth', '<a xmlns:p="u">'.repeat(8_000)],
    ['nested where a value hides the end of a tag', 'depth', '<a b="/>" c=\'">\'>'.repeat(41)],
    ['of many elements', 'size', `<r>${'<a/>'.repeat(1_000)}`],
    ['of many attributes', 'size', `<r ${'a="" '.repeat(4_001)}>`],
    ['of many prefixes', 'size', `<r ${declaring(51)}>`],
    ['of many characters', 'size', `<r>${'x'.repeat(128 * 1024)}`],
    ['that opens a tag in a tag', 'xml', `<r ${'<a'.repeat(60_000)}`],
    ['with a value that has no end', 'xml', `<r a="${"x'".repeat(60_000)}`],
  ])('%s', (_what, check, xml) => {
    expect(checked(xml)).toBe(check);
  });
});

test('a message of single logout may be smaller still, and metadata larger', () => {
  const elements = `<r>${'<a/>'.repeat(500)}</r>`;
  expect([elements, `<r>${'x'.repeat(17 * 1024)}</r>`].map((xml) => checked(xml, logoutBounds))).toEqual([
    'size',
    'size',
  ]);
  expect([checked(elements), checked(`<r>${'<a/>'.repeat(4_000)}</r>`, metadataBounds)]).toEqual([
    'accepted',
    'accepted',
  ]);
});

test('somebody in eight hundred groups fits, each value with the declarations that providers write', () => {
  const value =
    '<v xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="xs:string">g</v>';
  expect(elementsOf(parseXml(`<r>${value.repeat(800)}</r>`))).toHaveLength(801);
});

test('quotes, slashes and > in values and texts are neither depth nor elements', () => {
  const xml = `<r a='"' b="'>/>">${'<a href="http://x/">it\'s "quoted" > here</a><b c="d" />'.repeat(30)}</r>`;
  expect(elementsOf(parseXml(xml))).toHaveLength(61);
});

test('what is packed is unpacked up to a bound', () => {
  const deflated = (bytes: number) => deflateRawSync(Buffer.alloc(bytes, 'a')).toString('base64');
  expect(unpackRedirected(deflated(64 * 1024))).toHaveLength(64 * 1024);
  expect(refusal(() => unpackRedirected(deflated(64 * 1024 + 1)))).toBe('deflate');
  expect(refusal(() => unpackPosted('A'.repeat(256 * 1024 + 1)))).toBe('size');
});
