/**
 * The HTTP server around an app: listens, and stops by letting what was begun end. What node itself
 * refuses before a request exists (broken HTTP, headers too large) is a problem document too.
 */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { problemKinds, problemType } from './problem.ts';

export interface Listening {
  readonly server: Server;
  readonly host: string;
  readonly port: number;
  /** Takes no more connections, waits up to `drainMs` for requests under way, then cuts what is left. */
  close(drainMs: number): Promise<void>;
}

/** Uploads may take long; a head that trickles in may not. */
const timeouts = { headersTimeout: 30_000, requestTimeout: 15 * 60_000, keepAliveTimeout: 65_000 };

export const listenOn = async (listener: RequestListener, host: string, port: number): Promise<Listening> => {
  const server = createServer(timeouts, (request, response) => {
    // The absolute form without a host (`GET http://`) has no path that a router could look at.
    if (namesPlace.test(request.url ?? '')) listener(request, response);
    else malformed(response, 'The address has no path.');
  });
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

const refuse = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status } = problemKinds.malformed_request;
  const body = problem(
    error.code === 'HPE_HEADER_OVERFLOW' ? 'The headers are too large.' : 'This is not HTTP.',
  );
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
