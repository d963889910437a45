/**
 * What a posted message must look like before any signature in it is computed. Each check has a name,
 * which the log records. They make wrapping attacks impossible by form: one assertion, in its one place,
 * ids that are unique, and signatures that cover the element they stand in and nothing else.
 */
import type { Element } from '@xmldom/xmldom';
import { digestMethods, exclusiveC14n, signatureMethods, transforms } from './algorithms.ts';
import { SamlRefusal } from './refusal.ts';
import { attribute, children, elementsOf, is, ns, onlyChild } from './xml.ts';

export interface MessageCheck {
  readonly name: string;
  /** What is wrong; undefined where nothing is. */
  readonly problem: (message: Message) => string | undefined;
}

interface Message {
  readonly root: Element;
  readonly elements: readonly Element[];
  readonly signatures: readonly Element[];
}

const uniqueIds: MessageCheck = {
  name: 'unique-ids',
  problem: ({ elements }) => {
    const ids = elements.flatMap((e) => ['ID', 'Id', 'id'].flatMap((name) => attribute(e, name) ?? []));
    return new Set(ids).size === ids.length ? undefined : 'An ID occurs twice.';
  },
};

/** A signature is a child of what it signs, at most one there, with one reference to exactly that. */
const signatureForm: MessageCheck = {
  name: 'signature-form',
  problem: ({ root, signatures }) => {
    for (const signature of signatures) {
      const parent = signature.parentNode as Element | null;
      const inPlace =
        parent === root || (parent?.parentNode === root && is(parent, ns.assertion, 'Assertion'));
      if (parent === null || !inPlace) return 'A signature stands where none belongs.';
      if (children(parent, ns.signature, 'Signature').length !== 1) return 'An element has two signatures.';
      if (children(signature, ns.signature, 'Object').length > 0) return 'A signature carries objects.';
      const signedInfo = onlyChild(signature, ns.signature, 'SignedInfo');
      const reference = signedInfo && onlyChild(signedInfo, ns.signature, 'Reference');
      const id = attribute(parent, 'ID') ?? '';
      if (!/^[A-Za-z_][\w.-]*$/.test(id)) return 'A signed element has no usable ID.';
      if (attribute(reference, 'URI') !== `#${id}`)
        return 'A signature covers something else than its parent.';
    }
    return undefined;
  },
};

const algorithmOf = (parent: Element | undefined, name: string): string =>
  attribute(parent && onlyChild(parent, ns.signature, name), 'Algorithm') ?? '';

const signatureAlgorithms: MessageCheck = {
  name: 'algorithm',
  problem: ({ signatures }) => {
    for (const signature of signatures) {
      const signedInfo = onlyChild(signature, ns.signature, 'SignedInfo');
      const reference = signedInfo && onlyChild(signedInfo, ns.signature, 'Reference');
      if (!signatureMethods.has(algorithmOf(signedInfo, 'SignatureMethod')))
        return 'Not RSA with SHA-256 or stronger.';
      if (algorithmOf(signedInfo, 'CanonicalizationMethod') !== exclusiveC14n)
        return 'Not exclusive canonicalization.';
      if (!digestMethods.has(algorithmOf(reference, 'DigestMethod')))
        return 'A digest is weaker than SHA-256.';
      const list = reference && onlyChild(reference, ns.signature, 'Transforms');
      const used = list
        ? children(list, ns.signature, 'Transform').map((t) => attribute(t, 'Algorithm') ?? '')
        : [];
      if (used.length > 2 || !used.every((algorithm) => transforms.has(algorithm)))
        return 'A foreign transform.';
    }
    return undefined;
  },
};

const isResponse: MessageCheck = {
  name: 'response',
  problem: ({ root }) =>
    is(root, ns.protocol, 'Response') ? undefined : 'This is not a response to a sign-in.',
};

const isAnyAssertion = ({ localName }: Element): boolean =>
  localName === 'Assertion' || localName === 'EncryptedAssertion';

const oneAssertion: MessageCheck = {
  name: 'one-assertion',
  problem: ({ root, elements }) => {
    const [only, ...more] = elements.filter(isAnyAssertion);
    if (more.length > 0) return 'There is more than one assertion.';
    // A response that reports an error has none: its status says why, see `assertion-checks.ts`.
    if (only === undefined) return undefined;
    return only.parentNode === root && only.namespaceURI === ns.assertion
      ? undefined
      : 'The assertion is not where it belongs.';
  },
};

const isOneAssertion: MessageCheck = {
  name: 'one-assertion',
  problem: ({ root, elements }) =>
    is(root, ns.assertion, 'Assertion') && elements.filter(isAnyAssertion).length === 1
      ? undefined
      : 'What was encrypted is not one assertion.',
};

/** For responses to a sign-in. */
export const responseChecks: readonly MessageCheck[] = [
  isResponse,
  uniqueIds,
  oneAssertion,
  signatureForm,
  signatureAlgorithms,
];

/** For an assertion by itself, as it comes out of its encryption. */
export const decryptedChecks: readonly MessageCheck[] = [
  isOneAssertion,
  uniqueIds,
  signatureForm,
  signatureAlgorithms,
];

/** For messages of single logout, whose root is signed. */
export const logoutChecks: readonly MessageCheck[] = [uniqueIds, signatureForm, signatureAlgorithms];

/** @throws SamlRefusal with the name of the first check that fails. */
export const checkMessage = (root: Element, checks: readonly MessageCheck[]): void => {
  const elements = elementsOf(root);
  const signatures = elements.filter(({ localName }) => localName === 'Signature');
  for (const { name, problem } of checks) {
    const found = problem({ root, elements, signatures });
    if (found !== undefined) throw new SamlRefusal(name, found);
  }
};
