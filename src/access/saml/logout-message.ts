/**
 * Messages of single logout, made and read. Only signed ones are read, in either binding; what is read
 * is the text that the signature covers.
 */
import type { Element } from '@xmldom/xmldom';
import { clockSkewMs, isSuccess, timeOf } from './assertion-reading.ts';
import { type NameIdForm, nameIdAttributes } from './identity.ts';
import { unpackPosted, unpackRedirected } from './message.ts';
import { checkMessage, logoutChecks } from './message-checks.ts';
import type { ProviderDirectory } from './provider-directory.ts';
import type { IdentityProvider } from './provider-metadata.ts';
import { type MessageField, verifyRedirect } from './redirect-signature.ts';
import { fromProvider, SamlRefusal } from './refusal.ts';
import { withoutDeclaration } from './response.ts';
import { verifiedXml } from './signed-xml.ts';
import { attribute, children, escaped, is, ns, onlyChild, parseXml, textOf } from './xml.ts';
import { logoutBounds } from './xml-bounds.ts';

export interface LogoutRequest {
  readonly kind: 'request';
  readonly id: string;
  readonly nameId: string;
  /** None means: every session of that person. */
  readonly sessionIndexes: readonly string[];
}

export interface LogoutAnswer {
  readonly kind: 'answer';
  readonly inResponseTo: string | undefined;
  /** Whether the provider ended its own session and those of others that it knows of. */
  readonly success: boolean;
}

export interface ReadMessage {
  readonly provider: IdentityProvider;
  readonly relayState: string | undefined;
  readonly message: LogoutRequest | LogoutAnswer;
}

export type Received =
  | { readonly binding: 'redirect'; readonly query: string }
  | { readonly binding: 'post'; readonly form: Readonly<Record<string, unknown>> };

interface Reader {
  readonly providers: Pick<ProviderDirectory, 'byEntityId'>;
  readonly sloUrl: string;
  readonly now: Date;
}

/** A message waits in nobody's outbox: older ones are replays. */
const ageMsMax = 5 * 60_000;

/** @throws SamlRefusal with the name of the check that failed */
export const readLogout = (received: Received, reader: Reader): ReadMessage => {
  const { root, provider, relayState } =
    received.binding === 'redirect' ? redirected(received.query, reader) : posted(received.form, reader);
  return fromProvider(provider.id, () => {
    checkEnvelope(root, provider, reader);
    return { provider, relayState, message: messageIn(root) };
  });
};

interface Verified {
  readonly root: Element;
  readonly provider: IdentityProvider;
  readonly relayState: string | undefined;
}

const redirected = (query: string, reader: Reader): Verified => {
  const peeked = new URLSearchParams(query);
  const packed = peeked.get('SAMLRequest') ?? peeked.get('SAMLResponse');
  const provider = senderOf(parsed(unpackRedirected(packed)), reader);
  const { xml, relayState } = fromProvider(provider.id, () => verifyRedirect(query, provider.certificates));
  const root = parsed(xml);
  checkMessage(root, logoutChecks);
  return { root, provider, relayState };
};

const parsed = (xml: string): Element => parseXml(withoutDeclaration(xml), logoutBounds);

const posted = (form: Readonly<Record<string, unknown>>, reader: Reader): Verified => {
  const field = fieldOf(form);
  const xml = unpackPosted(form[field]);
  const root = parsed(xml);
  const provider = senderOf(root, reader);
  checkMessage(root, logoutChecks);
  const signature = onlyChild(root, ns.signature, 'Signature');
  const signed = fromProvider(provider.id, () => verifiedXml(xml, signature, provider.certificates));
  return { root: parsed(signed), provider, relayState: form.RelayState as string | undefined };
};

const fieldOf = (form: Readonly<Record<string, unknown>>): MessageField => {
  const fields = (['SAMLRequest', 'SAMLResponse'] as const).filter((name) => form[name] !== undefined);
  const [field, ...more] = fields;
  const { RelayState: relayState } = form;
  if (
    field === undefined ||
    more.length > 0 ||
    (relayState !== undefined && typeof relayState !== 'string')
  ) {
    throw new SamlRefusal(
      'field',
      'There must be one SAMLRequest or SAMLResponse, and one RelayState at most.',
    );
  }
  return field;
};

/** Only says whose key to check with; the signature then proves it. */
const senderOf = (root: Element, { providers }: Reader): IdentityProvider =>
  providers.byEntityId(textOf(onlyChild(root, ns.assertion, 'Issuer')));

const checkEnvelope = (root: Element, provider: IdentityProvider, { sloUrl, now }: Reader): void => {
  const issued = timeOf(attribute(root, 'IssueInstant'));
  const end = attribute(root, 'NotOnOrAfter');
  const fresh = issued <= now.getTime() + clockSkewMs && issued > now.getTime() - ageMsMax - clockSkewMs;
  const notOver = end === undefined || timeOf(end) > now.getTime() - clockSkewMs;
  if (textOf(onlyChild(root, ns.assertion, 'Issuer')) !== provider.entityId) {
    throw new SamlRefusal('issuer', 'The message comes from somebody else than its sender.');
  }
  if (attribute(root, 'Version') !== '2.0') throw new SamlRefusal('version', 'The version is not 2.0.');
  if (attribute(root, 'Destination') !== sloUrl)
    throw new SamlRefusal('destination', 'The message was meant for another address.');
  if (!fresh || !notOver) throw new SamlRefusal('time', 'The message is too old.');
};

const messageIn = (root: Element): LogoutRequest | LogoutAnswer => {
  if (is(root, ns.protocol, 'LogoutResponse'))
    return { kind: 'answer', inResponseTo: attribute(root, 'InResponseTo'), success: isSuccess(root) };
  const id = attribute(root, 'ID');
  const nameId = textOf(onlyChild(root, ns.assertion, 'NameID')) ?? '';
  if (!is(root, ns.protocol, 'LogoutRequest') || id === undefined) {
    throw new SamlRefusal('logout', 'This is not a message of single logout.');
  }
  if (nameId.trim() === '') throw new SamlRefusal('name-id', 'The message names nobody.');
  const sessionIndexes = children(root, ns.protocol, 'SessionIndex').map((index) => textOf(index) ?? '');
  return { kind: 'request', id, nameId, sessionIndexes };
};

interface Envelope {
  readonly id: string;
  readonly issuer: string;
  readonly destination: string;
  readonly now: Date;
}

const opening = ({ id, destination, now }: Envelope): string =>
  `xmlns:samlp="${ns.protocol}" xmlns:saml="${ns.assertion}" ID="${id}" Version="2.0" IssueInstant="${now.toISOString()}" Destination="${escaped(destination)}"`;

interface WhoseLogout {
  readonly nameId: string;
  readonly nameIdForm?: NameIdForm | null;
  readonly sessionIndex: string | undefined;
}

const nameIdXml = ({ nameId, nameIdForm }: WhoseLogout): string => {
  const beside = nameIdAttributes.flatMap((name) => {
    const value = nameIdForm?.[name];
    return value === undefined ? [] : ` ${name}="${escaped(value)}"`;
  });
  return `<saml:NameID${beside.join('')}>${escaped(nameId)}</saml:NameID>`;
};

export const logoutRequestXml = (envelope: Envelope & WhoseLogout): string =>
  `<samlp:LogoutRequest ${opening(envelope)}><saml:Issuer>${escaped(envelope.issuer)}</saml:Issuer>` +
  `${nameIdXml(envelope)}${
    envelope.sessionIndex === undefined
      ? ''
      : `<samlp:SessionIndex>${escaped(envelope.sessionIndex)}</samlp:SessionIndex>`
  }</samlp:LogoutRequest>`;

export const logoutAnswerXml = (envelope: Envelope & { inResponseTo: string }): string =>
  `<samlp:LogoutResponse ${opening(envelope)} InResponseTo="${escaped(envelope.inResponseTo)}">` +
  `<saml:Issuer>${escaped(envelope.issuer)}</saml:Issuer><samlp:Status>` +
  '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:LogoutResponse>';
