/**
 * The development SAML identity provider: its own small HTTP server on loopback. It signs in five people
 * without a password, so it refuses to start in production and on any other address.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '../pages.ts';
import { SamlRefusal } from '../saml/refusal.ts';
import { type Exchanging, type Reply, requestIn, signIn, signOut, signOutFromHere } from './exchange.ts';
import { metadataXml } from './metadata.ts';
import { choicePage, homePage, plainPage } from './pages.ts';

export interface DevelopmentProviderOptions extends Exchanging {
  readonly production: boolean;
  /** 0 takes a free one. */
  readonly port?: number;
  readonly host?: string;
}

export interface DevelopmentProvider {
  readonly url: string;
  readonly metadata: string;
  stop(): Promise<void>;
}

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
