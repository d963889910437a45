/**
 * Live: socket.io at `/internal/live`. A socket passes the same gate as a request and only from a page
 * of our own; each subscription is checked for its own permission. A session that ended closes its
 * sockets: at once when its end is told, else at the next regular look.
 *
 * socket.io's connection state recovery is off: it replays missed packets while the socket is built,
 * before any middleware has run, also with `skipMiddlewares: false` (4.8). A client that reconnects
 * subscribes again, is checked again, and gets a fresh snapshot.
 */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { Server } from 'socket.io';
import type { Gate } from '../../access/gate.ts';
import type { Principal } from '../../access/principal.ts';
import { isQuarterdeckError, QuarterdeckError } from '../../errors.ts';
import { createChannels } from './channels.ts';
import { refusalOf, serveSocket } from './socket.ts';
import type { TopicKind } from './topic.ts';

export interface LiveDependencies {
  readonly gate: Pick<Gate, 'admit' | 'refuseCustomers' | 'identify'>;
  readonly kinds: readonly TopicKind[];
  readonly onError: (error: unknown) => void;
  /** How often every socket's session is looked at again. */
  readonly recheckMs?: number;
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
  const io = new Server({
    path: '/internal/live',
    serveClient: false,
    connectTimeout: 10_000,
    maxHttpBufferSize: 16 * 1024,
    httpCompression: false,
    perMessageDeflate: false,
    allowRequest: (request, allow) => {
      allowed(deps, io.engine.clientsCount, request).then(
        () => allow(null, true),
        (error: unknown) => allow(isQuarterdeckError(error) ? error.code : 'internal', false),
      );
    },
  });
  io.use((socket, next) => {
    identify(deps, socket.request).then(
      (principal) => {
        socket.data.principal = principal;
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
    attach: (server) => void io.attach(server),
    recheck,
    close: async () => {
      clearInterval(timer);
      channels.close();
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

const allowed = async (
  { gate }: LiveDependencies,
  sockets: number,
  request: IncomingMessage,
): Promise<void> => {
  if (sockets >= socketsMax) throw new QuarterdeckError('too_many_requests', 'Too many sockets are open.');
  const incoming = incomingOf(request);
  gate.refuseCustomers(incoming, gate.admit(incoming));
};

const identify = async ({ gate }: LiveDependencies, request: IncomingMessage): Promise<Principal> => {
  const incoming = incomingOf(request);
  return gate.identify(incoming, gate.admit(incoming), { fromOwnOrigin: true });
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
        socket.data.principal = await identify(deps, socket.request);
        socket.data.recheckTopics?.();
      } catch (error) {
        if (isQuarterdeckError(error) && error.code !== 'unavailable') socket.disconnect(true);
        else deps.onError(error);
      }
    }),
  );
};
