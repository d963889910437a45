/** Who a checked assertion says somebody is: NameID, attributes, and the provider's name of the session. */
import type { Element } from '@xmldom/xmldom';
import type { AttributeNames } from '../policy/provider-rules.ts';
import type { Attributes } from '../principal.ts';
import { nameIdOf, timeOf } from './assertion-reading.ts';
import { attribute, children, ns, textOf } from './xml.ts';

/** What stands beside a NameID: the provider must be given it back with the NameID (SAML 2.0 Core, 3.3.4). */
export type NameIdForm = Readonly<Partial<Record<(typeof nameIdAttributes)[number], string>>>;

export const nameIdAttributes = ['Format', 'NameQualifier', 'SPNameQualifier'] as const;

export interface AssertedIdentity {
  readonly assertionId: string;
  readonly nameId: string;
  readonly nameIdForm: NameIdForm;
  readonly email?: string;
  readonly name?: string;
  readonly groups: readonly string[];
  readonly attributes: Attributes;
  readonly sessionIndex?: string;
  /** Until when the assertion could be used: how long its id must be remembered. */
  readonly validUntil: Date;
  /** When the person proved who they are, by the provider's clock; the latest where it names several. */
  readonly authenticatedAt: Date;
  /** When the provider wants the session to end. */
  readonly sessionEnd?: Date;
}

/** As the common providers name them (Okta, Google Workspace, Entra ID, Keycloak), where the policy names none. */
const emailNames = [
  'email',
  'mail',
  'emailAddress',
  'urn:oid:0.9.2342.19200300.100.1.3',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
] as const;
const nameNames = [
  'displayName',
  'name',
  'urn:oid:2.16.840.1.113730.3.1.241',
  'http://schemas.microsoft.com/identity/claims/displayname',
] as const;

const emailFormat = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
const textCharactersMax = 320;
const groupsMax = 1_000;
const valuesMax = 100;

export const identityOf = (assertion: Element, names: AttributeNames): AssertedIdentity => {
  const attributes = attributesOf(assertion);
  const nameId = textOf(nameIdOf(assertion)) ?? '';
  const statements = children(assertion, ns.assertion, 'AuthnStatement');
  const first = (own: string | undefined, usual: readonly string[]): string | undefined =>
    (own === undefined ? usual : [own])
      .flatMap((name) => attributes.get(name) ?? [])[0]
      ?.slice(0, textCharactersMax);
  const email =
    first(names.email, emailNames) ??
    (attribute(nameIdOf(assertion), 'Format') === emailFormat ? nameId : undefined);
  const name = first(names.name, nameNames);
  const sessionIndex = statements.flatMap((s) => attribute(s, 'SessionIndex') ?? [])[0];
  const sessionEnd = earliest(statements.flatMap((s) => attribute(s, 'SessionNotOnOrAfter') ?? []));
  return {
    assertionId: attribute(assertion, 'ID') ?? '',
    nameId,
    nameIdForm: nameIdFormOf(nameIdOf(assertion)),
    groups: (attributes.get(names.groups) ?? []).slice(0, groupsMax),
    attributes: Object.fromEntries(
      Object.entries(names.person).map(([name, theirs]) => [name, valuesOf(attributes.get(theirs))]),
    ),
    validUntil: validUntil(assertion),
    authenticatedAt: new Date(Math.max(...statements.map((s) => timeOf(attribute(s, 'AuthnInstant'))))),
    ...(email === undefined ? {} : { email }),
    ...(name === undefined ? {} : { name }),
    ...(sessionIndex === undefined ? {} : { sessionIndex }),
    ...(sessionEnd === undefined ? {} : { sessionEnd }),
  };
};

const nameIdFormOf = (nameId: Element | undefined): NameIdForm =>
  Object.fromEntries(
    nameIdAttributes.flatMap((name) => {
      const value = attribute(nameId, name);
      return value === undefined || value.length > textCharactersMax ? [] : [[name, value]];
    }),
  );

const valuesOf = (given: readonly string[] = []): readonly string[] =>
  [...new Set(given)].filter((value) => value.length <= textCharactersMax).slice(0, valuesMax);

/** Values by name, blank ones left out; the same attribute may come in several pieces. */
const attributesOf = (assertion: Element): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  const given = children(assertion, ns.assertion, 'AttributeStatement').flatMap((statement) =>
    children(statement, ns.assertion, 'Attribute'),
  );
  for (const element of given) {
    const name = attribute(element, 'Name') ?? '';
    const values = children(element, ns.assertion, 'AttributeValue').map(
      (value) => textOf(value)?.trim() ?? '',
    );
    found.set(name, [...(found.get(name) ?? []), ...values.filter((value) => value !== '')]);
  }
  return found;
};

const validUntil = (assertion: Element): Date => {
  const confirmations = children(assertion, ns.assertion, 'Subject').flatMap((subject) =>
    children(subject, ns.assertion, 'SubjectConfirmation').flatMap((confirmation) =>
      children(confirmation, ns.assertion, 'SubjectConfirmationData'),
    ),
  );
  const ends = confirmations.map((data) => timeOf(attribute(data, 'NotOnOrAfter'))).filter((end) => end > 0);
  return new Date(Math.max(0, ...ends));
};

const earliest = (times: readonly string[]): Date | undefined =>
  times.length === 0 ? undefined : new Date(Math.min(...times.map(timeOf)));
