/**
 * XML of strangers, read strictly: any error of the parser ends it, nothing is expanded or fetched, and
 * what SAML does not need (DOCTYPE, comments, instructions, CDATA) never reaches the checks. Elements are
 * found by namespace and direct parentage, never by searching the depth, which is how wrapping attacks
 * get their forged element read instead of the signed one.
 */
import { DOMParser, type Document, type Element, type Node, onWarningStopParsing } from '@xmldom/xmldom';
import { SamlRefusal } from './refusal.ts';
import { answerBounds, type Bounds, checkBounds, notPlain } from './xml-bounds.ts';

export const ns = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#',
} as const;

const nodeTypes = { element: 1, text: 3 } as const;

/** @throws SamlRefusal `xml`, or what `checkBounds` refuses, before the parser begins */
export const parseXml = (text: string, bounds: Bounds = answerBounds): Element => {
  checkBounds(text, bounds);
  const document = parsed(text);
  const root = document.documentElement;
  if (root === null) throw new SamlRefusal('xml', 'The message is empty.');
  if (childNodes(document).some((node) => node !== root && node.nodeType !== nodeTypes.text))
    throw notPlain();
  return root;
};

const parsed = (text: string): Document => {
  try {
    return new DOMParser({ locator: false, onError: onWarningStopParsing }).parseFromString(text, 'text/xml');
  } catch (cause) {
    throw new SamlRefusal('xml', 'The message is not well-formed XML.', { cause });
  }
};

/** Every element of a message, the root first. @throws SamlRefusal where it holds more than elements and text */
export const elementsOf = (root: Element): readonly Element[] => {
  const found: Element[] = [];
  const waiting: Element[] = [root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    found.push(next);
    for (const child of childNodes(next)) {
      if (isElement(child)) waiting.push(child);
      else if (child.nodeType !== nodeTypes.text) throw notPlain();
    }
  }
  return found;
};

const childNodes = (node: Node): readonly Node[] => Array.from(node.childNodes);

const isElement = (node: Node): node is Element => node.nodeType === nodeTypes.element;

export const is = (element: Element, namespace: string, name: string): boolean =>
  element.namespaceURI === namespace && element.localName === name;

export const elementsIn = (element: Element): readonly Element[] => childNodes(element).filter(isElement);

export const children = (element: Element, namespace: string, name: string): readonly Element[] =>
  elementsIn(element).filter((child) => is(child, namespace, name));

/** The only child of that name; undefined where there is none or more than one. */
export const onlyChild = (element: Element, namespace: string, name: string): Element | undefined => {
  const [first, ...more] = children(element, namespace, name);
  return more.length === 0 ? first : undefined;
};

/** The child of that name, where it is the only element there. */
export const onlyElement = (parent: Element, namespace: string, name: string): Element | undefined => {
  const [first, ...more] = elementsIn(parent);
  return first !== undefined && more.length === 0 && is(first, namespace, name) ? first : undefined;
};

/** An attribute without namespace; undefined where it is absent. */
export const attribute = (element: Element | undefined, name: string): string | undefined =>
  element?.hasAttribute(name) ? (element.getAttribute(name) ?? undefined) : undefined;

export const textOf = (element: Element | undefined): string | undefined => element?.textContent ?? undefined;

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and attribute values of XML and HTML alike. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => escapes[c] ?? c);
