/**
 * Live: socket.io at `/internal/live`. A socket passes the same gate as a request: with the session cookie
 * only from a page of our own, with an access token from a page of its tool or from no page at all. Each
 * subscription is checked for its own permission. A session or token that ended closes its sockets: at
 * once when its end is told, else at the next regular look.
 *
 * socket.io's connection state recovery is off: it replays missed packets while the socket is built,
 * before any middleware has run, also with `skipMiddlewares: false` (4.8). A client that reconnects
 * subscribes again, is checked again, and gets a fresh snapshot.
 */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { Server, type Socket } from 'socket.io';
import type { Gate } from '../../access/gate.ts';
import type { Principal } from '../../access/principal.ts';
import { isQuarterdeckError, QuarterdeckError } from '../../errors.ts';
import { createChannels } from './channels.ts';
import { refusalOf, serveSocket } from './socket.ts';
import { createStrangers, type Strangers } from './strangers.ts';
import type { TopicKind } from './topic.ts';

export interface LiveDependencies {
  readonly gate: Pick<Gate, 'admit' | 'refuseCustomers' | 'isKnown' | 'identify' | 'count'>;
  /** Whether pages of that origin may connect, as some tool. */
  readonly isToolOrigin: (origin: string) => boolean;
  readonly kinds: readonly TopicKind[];
  readonly onError: (error: unknown) => void;
  /** How often every socket's session is looked at again. */
  readonly recheckMs?: number;
  /** How long a socket stays open on which nobody is signed in. */
  readonly strangerMs?: number;
}

export interface Live {
  attach(server: HttpServer): void;
  /** Sessions ended: all of them where none is named. Their sockets are closed after a look. */
  recheck(): Promise<void>;
  close(): Promise<void>;
}

const recheckMsDefault = 15_000;

export const createLive = (deps: LiveDependencies): Live => {
  const channels = createChannels(deps.kinds, deps.onError);
  const strangers = createStrangers(deps.strangerMs);
  const io = new Server({
    path: '/internal/live',
    serveClient: false,
    connectTimeout: 10_000,
    maxHttpBufferSize: 16 * 1024,
    httpCompression: false,
    perMessageDeflate: false,
    allowRequest: (request, allow) => {
      allowed(deps, strangers, { request, sockets: io.engine.clientsCount }).then(
        () => allow(null, true),
        (error: unknown) => allow(isQuarterdeckError(error) ? error.code : 'internal', false),
      );
    },
    // Exactly the tools' origins, and no cookies: a page of theirs brings a token.
    cors: {
      origin: (origin, answer) => answer(null, origin !== undefined && deps.isToolOrigin(origin)),
      credentials: false,
    },
  });
  io.use((socket, next) => {
    enter(deps, socket).then(
      (principal) => {
        socket.data.principal = principal;
        strangers.known(socket.request);
        next();
      },
      (error: unknown) => next(connectError(error)),
    );
  });
  io.on('connection', (socket) => serveSocket(socket, channels, deps.onError));
  const recheck = () => recheckAll(io, deps);
  const timer = setInterval(() => void recheck().catch(deps.onError), deps.recheckMs ?? recheckMsDefault);
  timer.unref();
  return {
    attach: (server) => {
      io.attach(server);
      io.engine.on('connection', (connection: Connection) =>
        strangers.connected(connection.request, connection),
      );
    },
    recheck,
    close: async () => {
      clearInterval(timer);
      channels.close();
      strangers.close();
      io.disconnectSockets(true);
      io.engine?.close();
    },
  };
};

const incomingOf = (request: IncomingMessage) => ({
  peer: request.socket.remoteAddress,
  method: request.method ?? 'GET',
  url: request.url ?? '',
  headers: request.headers,
});

const socketsMax = 5_000;

type Connection = Parameters<Strangers['connected']>[1] & { readonly request: IncomingMessage };

const allowed = async (
  { gate }: LiveDependencies,
  strangers: Strangers,
  { request, sockets }: { readonly request: IncomingMessage; readonly sockets: number },
): Promise<void> => {
  if (sockets >= socketsMax) throw new QuarterdeckError('too_many_requests', 'Too many sockets are open.');
  const incoming = incomingOf(request);
  const ip = gate.admit(incoming);
  gate.refuseCustomers(incoming, ip);
  if (!(await gate.isKnown(incoming))) strangers.admit(request, ip);
};

/** By the token of the handshake (`auth: {token}`), which browsers cannot put into a header, else as a request. */
const identify = async ({ gate }: LiveDependencies, socket: Socket): Promise<Principal> => {
  const incoming = incomingOf(socket.request);
  const ip = gate.admit(incoming);
  const { token } = socket.handshake.auth as { readonly token?: unknown };
  if (typeof token !== 'string') return gate.identify(incoming, ip, { fromOwnOrigin: true });
  const bearing = { ...incoming, headers: { ...incoming.headers, authorization: `Bearer ${token}` } };
  gate.refuseCustomers(bearing, ip);
  return gate.identify(bearing, ip);
};

/** A socket counts as one request of its tool; that it is looked at again does not. */
const enter = async (deps: LiveDependencies, socket: Socket): Promise<Principal> => {
  const principal = await identify(deps, socket);
  const incoming = incomingOf(socket.request);
  deps.gate.count(incoming, principal, deps.gate.admit(incoming));
  return principal;
};

/** socket.io hands `data` to the client's `connect_error`. */
const connectError = (error: unknown): Error & { data: object } => {
  const refusal = refusalOf(error);
  return Object.assign(new Error(refusal.code), { data: refusal });
};

/** A session that is gone disconnects; one whose rights changed loses the topics that need them. */
const recheckAll = async (io: Server, deps: LiveDependencies): Promise<void> => {
  await Promise.all(
    [...io.of('/').sockets.values()].map(async (socket) => {
      try {
        socket.data.principal = await identify(deps, socket);
        socket.data.recheckTopics?.();
      } catch (error) {
        if (isQuarterdeckError(error) && error.code !== 'unavailable') socket.disconnect(true);
        else deps.onError(error);
      }
    }),
  );
};
