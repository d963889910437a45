/**
 * What a properly signed assertion must say before anybody is signed in by it. node-saml has verified
 * the signature; it does not look at Destination, Recipient, either Issuer, Status, Version, confirmation
 * method or the signed InResponseTo, so all of it is read again here, from the signed text. Each check has
 * a name, which the log records and a test of the same name asserts.
 */
import type { Element } from '@xmldom/xmldom';
import {
  bearerData,
  child,
  clockSkewMs,
  everyBearer,
  hasBegun,
  isNotOver,
  isSuccess,
  nameIdOf,
  timeOf,
} from './assertion-reading.ts';
import { SamlRefusal } from './refusal.ts';
import { attribute, children, elementsIn, is, ns, textOf } from './xml.ts';

export interface Expected {
  readonly now: number;
  readonly acsUrl: string;
  /** Ours. */
  readonly entityId: string;
  /** The identity provider's. */
  readonly issuer: string;
  /** undefined: the provider began the sign-in by itself, so its answer may name no request. */
  readonly requestId: string | undefined;
}

export interface Answered {
  /** The envelope, which need not be signed; whatever it alone says proves nothing. */
  readonly response: Element;
  /** The assertion as the signature covers it. */
  readonly assertion: Element;
  readonly expected: Expected;
}

export interface AssertionCheck {
  readonly name: string;
  readonly problem: (answered: Answered) => string | undefined;
}

const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
const nameIdCharactersMax = 256;
/** Of others nobody here could say whether they hold, and then the assertion does not (SAML 2.0 Core, 2.5.1.1). */
const knownConditions = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'] as const;

const unless = (holds: boolean, problem: string): string | undefined => (holds ? undefined : problem);

export const assertionChecks: readonly AssertionCheck[] = [
  {
    name: 'version',
    problem: ({ response, assertion }) =>
      unless(
        [response, assertion].every((e) => attribute(e, 'Version') === '2.0'),
        'The version is not 2.0.',
      ),
  },
  {
    name: 'destination',
    problem: ({ response, expected }) =>
      unless(
        attribute(response, 'Destination') === expected.acsUrl,
        'The response was meant for another address.',
      ),
  },
  {
    name: 'response-issuer',
    problem: ({ response, expected }) => {
      const issuers = children(response, ns.assertion, 'Issuer');
      const right = issuers.length <= 1 && issuers.every((issuer) => textOf(issuer) === expected.issuer);
      return unless(right, 'The response comes from another identity provider.');
    },
  },
  {
    name: 'assertion-issuer',
    problem: ({ assertion, expected }) =>
      unless(
        textOf(child(assertion, 'Issuer')) === expected.issuer,
        'The assertion comes from another identity provider.',
      ),
  },
  {
    name: 'issue-instant',
    problem: ({ assertion, expected }) =>
      unless(
        timeOf(attribute(assertion, 'IssueInstant')) <= expected.now + clockSkewMs,
        'The assertion is from the future.',
      ),
  },
  {
    name: 'confirmation-method',
    problem: ({ assertion }) => unless(bearerData(assertion).length > 0, 'There is no bearer confirmation.'),
  },
  {
    name: 'recipient',
    problem: ({ assertion, expected }) =>
      unless(
        everyBearer(assertion, (data) => attribute(data, 'Recipient') === expected.acsUrl),
        'The assertion was meant for another recipient.',
      ),
  },
  {
    name: 'in-response-to',
    problem: ({ response, assertion, expected }) => {
      const signed = everyBearer(assertion, (data) => attribute(data, 'InResponseTo') === expected.requestId);
      return unless(
        signed && attribute(response, 'InResponseTo') === expected.requestId,
        'The assertion does not answer the request that this browser made, or answers one that nobody made.',
      );
    },
  },
  {
    name: 'confirmation-time',
    problem: ({ assertion, expected: { now } }) =>
      unless(
        everyBearer(
          assertion,
          (data) =>
            hasBegun(attribute(data, 'NotBefore'), now) && isNotOver(attribute(data, 'NotOnOrAfter'), now),
        ),
        'The assertion is not valid now.',
      ),
  },
  {
    name: 'conditions-time',
    problem: ({ assertion, expected: { now } }) => {
      const conditions = child(assertion, 'Conditions');
      const end = attribute(conditions, 'NotOnOrAfter');
      const valid =
        conditions !== undefined &&
        hasBegun(attribute(conditions, 'NotBefore'), now) &&
        (end === undefined || isNotOver(end, now));
      return unless(valid, 'The conditions of the assertion do not hold now.');
    },
  },
  {
    name: 'conditions',
    problem: ({ assertion }) => {
      const conditions = child(assertion, 'Conditions');
      const strange = (conditions ? elementsIn(conditions) : []).filter(
        (element) => !knownConditions.some((name) => is(element, ns.assertion, name)),
      );
      return unless(strange.length === 0, 'The assertion has a condition that is not understood here.');
    },
  },
  {
    name: 'audience',
    problem: ({ assertion, expected }) => {
      const conditions = child(assertion, 'Conditions');
      const restrictions = conditions ? children(conditions, ns.assertion, 'AudienceRestriction') : [];
      const meant = restrictions.every((restriction) =>
        children(restriction, ns.assertion, 'Audience').some(
          (audience) => textOf(audience) === expected.entityId,
        ),
      );
      return unless(restrictions.length > 0 && meant, 'The assertion was made for another audience.');
    },
  },
  {
    name: 'authn-statement',
    problem: ({ assertion, expected: { now } }) => {
      const statements = children(assertion, ns.assertion, 'AuthnStatement');
      const honest = statements.every((s) => timeOf(attribute(s, 'AuthnInstant')) <= now + clockSkewMs);
      return unless(statements.length > 0 && honest, 'The assertion does not say that anybody signed in.');
    },
  },
  {
    name: 'session-time',
    problem: ({ assertion, expected: { now } }) => {
      const ends = children(assertion, ns.assertion, 'AuthnStatement').flatMap(
        (statement) => attribute(statement, 'SessionNotOnOrAfter') ?? [],
      );
      return unless(
        ends.every((end) => isNotOver(end, now)),
        'The session at the identity provider is over.',
      );
    },
  },
  {
    name: 'name-id',
    problem: ({ assertion }) => {
      const name = textOf(nameIdOf(assertion)) ?? '';
      return unless(name.trim() !== '' && name.length <= nameIdCharactersMax, 'The assertion names nobody.');
    },
  },
  {
    name: 'transient-name-id',
    problem: ({ assertion }) =>
      unless(
        attribute(nameIdOf(assertion), 'Format') !== transient,
        'The identity provider sends a different name at each sign-in; a persistent NameID is needed.',
      ),
  },
];

/** A response that reports failure has no assertion to check. @throws SamlRefusal `status` */
export const checkStatus = (response: Element): void => {
  if (!isSuccess(response)) throw new SamlRefusal('status', 'The identity provider did not sign you in.');
};

/** @throws SamlRefusal with the name of the first check that fails. */
export const checkAssertion = (answered: Answered): void => {
  for (const { name, problem } of assertionChecks) {
    const found = problem(answered);
    if (found !== undefined) throw new SamlRefusal(name, found);
  }
};
