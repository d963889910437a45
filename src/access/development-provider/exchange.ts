/**
 * What the development provider says to a request: whom it signs in, and how it answers single logout. It
 * checks our messages as a real provider would: signature, issuer and the address that the answer goes to.
 */
import type { Page } from '../pages.ts';
import { newMessageId } from '../saml/ledger.ts';
import { logoutAnswerXml, logoutRequestXml } from '../saml/logout-message.ts';
import { packPosted, packRedirected } from '../saml/message.ts';
import { signedRedirect, verifyRedirect } from '../saml/redirect-signature.ts';
import { SamlRefusal } from '../saml/refusal.ts';
import type { SigningKey } from '../saml/signed-xml.ts';
import { attribute, is, ns, onlyChild, parseXml, textOf } from '../saml/xml.ts';
import { responseXml } from './assertion.ts';
import { developmentEntityId } from './metadata.ts';
import { answerPage, plainPage } from './pages.ts';
import { developmentUsers } from './users.ts';

/** The only service provider it serves: us. */
export interface Served {
  readonly entityId: string;
  readonly acsUrl: string;
  readonly sloUrl: string;
  readonly certificate: string;
}

export interface Exchanging {
  readonly key: SigningKey;
  readonly served: Served;
  readonly clock: () => Date;
}

export type Reply = Page | { readonly location: string } | { readonly xml: string };

/** The request in a signed query; the same query comes again with the form, so nothing is kept here. */
export const requestIn = (query: string, { served }: Exchanging) => {
  const { field, xml, relayState } = verifyRedirect(query, [served.certificate]);
  const root = parseXml(xml.replace(/^\s*<\?xml\s[^<>]*\?>/, ''));
  const acsUrl = attribute(root, 'AssertionConsumerServiceURL');
  if (field !== 'SAMLRequest' || !is(root, ns.protocol, 'AuthnRequest')) {
    throw new SamlRefusal('request', 'This is not a request to sign in.');
  }
  if (textOf(onlyChild(root, ns.assertion, 'Issuer')) !== served.entityId) {
    throw new SamlRefusal('issuer', 'The request comes from somebody else.');
  }
  if (acsUrl !== undefined && acsUrl !== served.acsUrl) {
    throw new SamlRefusal('acs', 'The answer would go to an unknown address.');
  }
  return { id: attribute(root, 'ID') ?? '', relayState };
};

export const signIn = (form: URLSearchParams, options: Exchanging): Page => {
  const { served, key, clock } = options;
  const { id, relayState } = requestIn(form.get('request') ?? '', options);
  const user = developmentUsers.find(({ email }) => email === form.get('user'));
  if (user === undefined)
    return plainPage(400, 'Nobody of that name', 'Choose one of the people on the page before.');
  const xml = responseXml({
    user,
    key,
    issuer: developmentEntityId,
    audience: served.entityId,
    acsUrl: served.acsUrl,
    inResponseTo: id,
    sessionIndex: newMessageId(),
    now: clock(),
  });
  const fields = {
    SAMLResponse: packPosted(xml),
    ...(relayState === undefined ? {} : { RelayState: relayState }),
  };
  return answerPage(served.acsUrl, fields);
};

/** It keeps no sessions, so there is nothing to end: it only answers, signed. */
export const signOut = (query: string, { served, key, clock }: Exchanging): Reply => {
  const { field, xml, relayState } = verifyRedirect(query, [served.certificate]);
  if (field === 'SAMLResponse') return plainPage(200, 'Signed out', 'Quarterdeck has ended the sessions.');
  const inResponseTo = attribute(parseXml(xml), 'ID') ?? '';
  const url = served.sloUrl;
  const answered = logoutAnswerXml({
    id: newMessageId(),
    issuer: developmentEntityId,
    destination: url,
    now: clock(),
    inResponseTo,
  });
  const packed = packRedirected(answered);
  return {
    location: signedRedirect({ url, field: 'SAMLResponse', packed, relayState, privateKey: key.privateKey }),
  };
};

export const signOutFromHere = (form: URLSearchParams, { served, key, clock }: Exchanging): Reply => {
  const user = developmentUsers.find(({ email }) => email === form.get('user'));
  if (user === undefined)
    return plainPage(400, 'Nobody of that name', 'Choose one of the people on the page before.');
  const url = served.sloUrl;
  const request = logoutRequestXml({
    id: newMessageId(),
    issuer: developmentEntityId,
    destination: url,
    now: clock(),
    nameId: user.nameId,
    sessionIndex: undefined,
  });
  const packed = packRedirected(request);
  return { location: signedRedirect({ url, field: 'SAMLRequest', packed, privateKey: key.privateKey }) };
};
