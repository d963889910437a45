/**
 * The HTTP server around an app: listens, and stops by letting what was begun end. What node itself
 * refuses before a request exists (broken HTTP, headers too large) is a problem document too.
 */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { messages } from './messages.ts';
import { problemKinds, problemType } from './problem.ts';
import { cutSlowClients, type SlowLimits, slowLimits } from './slow-clients.ts';
import type { Tls } from './tls.ts';

export interface Listening {
  readonly server: Server;
  readonly host: string;
  readonly port: number;
  /** Takes no more connections, waits up to `drainMs` for requests under way, then cuts what is left. */
  close(drainMs: number): Promise<void>;
}

export interface ListenOptions {
  /** Without it: HTTP in the clear, for loopback or behind a proxy that ends TLS. */
  readonly tls?: Tls;
  readonly slow?: SlowLimits;
  readonly headersTimeoutMs?: number;
}

/** Uploads may take long; a head that trickles in may not, nor a handshake, nor a reader who stopped reading. */
const limits = { requestTimeout: 15 * 60_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 2_000 };
const headersMs = 10_000;
const handshakeTimeout = 10_000;
const idleMs = 2 * 60_000;

export const listenOn = async (
  listener: RequestListener,
  host: string,
  port: number,
  { tls, slow = slowLimits, headersTimeoutMs = headersMs }: ListenOptions = {},
): Promise<Listening> => {
  const handle: RequestListener = (request, response) => {
    // The absolute form without a host (`GET http://`) has no path that a router could look at.
    if (namesPlace.test(request.url ?? '')) listener(request, response);
    else malformed(response, 'The address has no path.');
  };
  const settings = { ...limits, ...messages, headersTimeout: headersTimeoutMs };
  const secure =
    tls === undefined
      ? undefined
      : createSecureServer({ ...settings, ...tls.options, handshakeTimeout }, handle);
  const server: Server = secure ?? createServer(settings, handle);
  if (tls !== undefined && secure !== undefined) server.once('close', tls.follow(secure));
  server.timeout = idleMs;
  cutSlowClients(server, slow);
  server.on('clientError', refuse);
  server.on('checkExpectation', (_request, response: ServerResponse) =>
    malformed(response, 'Expect takes 100-continue only.'),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    server,
    host,
    port: (server.address() as AddressInfo).port,
    close: (drainMs) => close(server, drainMs),
  };
};

const close = async (server: Server, drainMs: number): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  // A connection that becomes idle while draining would otherwise be kept for its whole keep-alive.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearTimeout(cut);
  clearInterval(sweep);
};

const namesPlace = /^(\/|\*$|https?:\/\/[^/?#])/i;

const contentType = 'application/problem+json; charset=utf-8';

const problem = (detail: string): string => {
  const { status, title } = problemKinds.malformed_request;
  return JSON.stringify({
    type: problemType('malformed_request'),
    title,
    status,
    detail,
    code: 'malformed_request',
  });
};

const malformed = (response: ServerResponse, detail: string): void => {
  const { status } = problemKinds.malformed_request;
  response.writeHead(status, {
    'Content-Type': contentType,
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  response.end(problem(detail));
};

const whyRefused: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'The headers are too large.',
  ERR_HTTP_REQUEST_TIMEOUT: 'The request took too long to arrive.',
};

const refuse = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status } = problemKinds.malformed_request;
  const body = problem(whyRefused[error.code ?? ''] ?? 'This is not HTTP.');
  const head = [
    `HTTP/1.1 ${status} Bad Request`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
};

export interface Door {
  readonly handle: RequestListener;
  /** From now on requests go to the app. */
  open(app: RequestListener): void;
}

/**
 * Answers 503 until the app is there: the port is bound before the app is built, because the address that
 * providers and cookies depend on may follow from it.
 */
export const createDoor = (): Door => {
  let inside: RequestListener = (_request, response) => {
    const { title } = problemKinds.unavailable;
    const detail = 'Quarterdeck is starting.';
    const problem = { type: problemType('unavailable'), title, status: 503, detail, code: 'unavailable' };
    response.writeHead(503, {
      'Content-Type': 'application/problem+json; charset=utf-8',
      'Retry-After': '1',
    });
    response.end(JSON.stringify(problem));
  };
  return {
    handle: (request, response) => inside(request, response),
    open: (app) => {
      inside = app;
    },
  };
};
