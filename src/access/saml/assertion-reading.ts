/** Where things stand in an assertion, and how its times are read and compared. */
import type { Element } from '@xmldom/xmldom';
import { attribute, children, ns, onlyChild } from './xml.ts';

/** By how much another clock than ours may be off. */
export const clockSkewMs = 30_000;

const success = 'urn:oasis:names:tc:SAML:2.0:status:Success';
const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';

/** Milliseconds of an xs:dateTime in UTC; NaN for anything else, which then fails every comparison. */
export const timeOf = (text: string | undefined): number =>
  text !== undefined && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text)
    ? Date.parse(text)
    : Number.NaN;

export const hasBegun = (notBefore: string | undefined, now: number): boolean =>
  notBefore === undefined || timeOf(notBefore) <= now + clockSkewMs;

export const isNotOver = (notOnOrAfter: string | undefined, now: number): boolean =>
  timeOf(notOnOrAfter) > now - clockSkewMs;

export const child = (parent: Element | undefined, name: string): Element | undefined =>
  parent && onlyChild(parent, ns.assertion, name);

export const nameIdOf = (assertion: Element): Element | undefined =>
  child(child(assertion, 'Subject'), 'NameID');

/** The data of each bearer confirmation; one without data stands for itself and satisfies nothing. */
export const bearerData = (assertion: Element): readonly Element[] =>
  children(child(assertion, 'Subject') ?? assertion, ns.assertion, 'SubjectConfirmation')
    .filter((confirmation) => attribute(confirmation, 'Method') === bearer)
    .map((confirmation) => child(confirmation, 'SubjectConfirmationData') ?? confirmation);

/** Every bearer confirmation must hold; one that does not is no use to an honest sender. */
export const everyBearer = (assertion: Element, holds: (data: Element) => boolean): boolean => {
  const found = bearerData(assertion);
  return found.length > 0 && found.every(holds);
};

/** Of a response to a sign-in or to a sign-out. */
export const isSuccess = (response: Element): boolean => {
  const status = onlyChild(response, ns.protocol, 'Status');
  return attribute(status && onlyChild(status, ns.protocol, 'StatusCode'), 'Value') === success;
};
