/**
 * The development SAML identity provider: its own small HTTP server on loopback. It signs in five people
 * without a password, so it refuses to start in production and on any other address. It checks our
 * requests as a real one would: signature, issuer and the address that the answer goes to.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '../pages.ts';
import { newMessageId } from '../saml/ledger.ts';
import { logoutAnswerXml, logoutRequestXml } from '../saml/logout-message.ts';
import { packPosted, packRedirected } from '../saml/message.ts';
import { signedRedirect, verifyRedirect } from '../saml/redirect-signature.ts';
import { SamlRefusal } from '../saml/refusal.ts';
import type { SigningKey } from '../saml/signed-xml.ts';
import { attribute, is, ns, onlyChild, parseXml, textOf } from '../saml/xml.ts';
import { responseXml } from './assertion.ts';
import { developmentEntityId, metadataXml } from './metadata.ts';
import { answerPage, choicePage, homePage, plainPage } from './pages.ts';
import { developmentUsers } from './users.ts';

/** The only service provider it serves: us. */
export interface Served {
  readonly entityId: string;
  readonly acsUrl: string;
  readonly sloUrl: string;
  readonly certificate: string;
}

export interface DevelopmentProviderOptions {
  readonly production: boolean;
  readonly key: SigningKey;
  readonly served: Served;
  readonly clock: () => Date;
  /** 0 takes a free one. */
  readonly port?: number;
  readonly host?: string;
}

export interface DevelopmentProvider {
  readonly url: string;
  readonly metadata: string;
  stop(): Promise<void>;
}

type Reply = Page | { readonly location: string } | { readonly xml: string };

const bodyBytesMax = 64 * 1024;
const loopbackHosts = new Set(['127.0.0.1', '::1', 'localhost']);

/** @throws Error in production, or for an address that others could reach */
export const startDevelopmentProvider = async (
  options: DevelopmentProviderOptions,
): Promise<DevelopmentProvider> => {
  const { production, key, host = '127.0.0.1', port = 0 } = options;
  if (production) throw new Error('the development identity provider never starts in production');
  if (!loopbackHosts.has(host))
    throw new Error(`the development identity provider binds to loopback only, not ${host}`);
  const server = createServer((request, response) => {
    answer(request, url, options).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, failure(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  const url = `http://${host === '::1' ? '[::1]' : host}:${taken}`;
  return {
    url,
    metadata: metadataXml(url, key.certificate),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const failure = (error: unknown): Page =>
  error instanceof SamlRefusal
    ? plainPage(400, 'Not a request of Quarterdeck', error.message)
    : plainPage(500, 'Something went wrong', 'The development identity provider failed.');

const send = (response: ServerResponse, reply: Reply): void => {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if ('location' in reply) {
    response.writeHead(303, { Location: reply.location }).end();
  } else if ('xml' in reply) {
    response.writeHead(200, { 'Content-Type': 'application/samlmetadata+xml; charset=utf-8' }).end(reply.xml);
  } else {
    response.setHeader('Content-Security-Policy', reply.contentSecurityPolicy);
    response.writeHead(reply.status, { 'Content-Type': 'text/html; charset=utf-8' }).end(reply.html);
  }
};

const answer = async (
  request: IncomingMessage,
  own: string,
  options: DevelopmentProviderOptions,
): Promise<Reply> => {
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
  switch (`${request.method} ${path}`) {
    case 'GET /':
      return homePage(options.served.sloUrl);
    case 'GET /metadata':
      return { xml: metadataXml(own, options.key.certificate) };
    case 'GET /sign-in':
      requestIn(query, options);
      return choicePage({ request: query });
    case 'POST /sign-in':
      return signIn(await formOf(request), options);
    case 'GET /sign-out':
      return signOut(query, options);
    case 'POST /sign-out':
      return signOutFromHere(await formOf(request), options);
    default:
      return plainPage(404, 'Not found', 'There is nothing here.');
  }
};

const formOf = async (request: IncomingMessage): Promise<URLSearchParams> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new SamlRefusal('size', 'The form is too large.');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
};

/** The request in a signed query; the same query comes again with the form, so nothing is kept here. */
const requestIn = (query: string, { served }: DevelopmentProviderOptions) => {
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

const signIn = (form: URLSearchParams, options: DevelopmentProviderOptions): Page => {
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
const signOut = (query: string, { served, key, clock }: DevelopmentProviderOptions): Reply => {
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

const signOutFromHere = (
  form: URLSearchParams,
  { served, key, clock }: DevelopmentProviderOptions,
): Reply => {
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
