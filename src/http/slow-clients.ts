/**
 * Bodies that trickle in hold a connection for next to nothing. After a time of grace a body must keep coming
 * at a rate that any network manages; a client that falls below it is cut off. Where we ourselves have not
 * read what has arrived yet, nobody is to blame.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

export interface SlowLimits {
  readonly graceMs: number;
  readonly bytesPerSecondMin: number;
  readonly lookEveryMs: number;
}

export const slowLimits: SlowLimits = { graceMs: 20_000, bytesPerSecondMin: 500, lookEveryMs: 5_000 };

interface Coming {
  readonly request: IncomingMessage;
  since: number;
  bytes: number;
}

export const cutSlowClients = (server: Server, limits: SlowLimits = slowLimits): void => {
  // The last request of each connection: bodies come one after the other, so no other can be coming.
  const coming = new Map<Socket, Coming>();
  const look = (): void => {
    const now = performance.now();
    for (const one of coming.values()) if (!one.request.complete) judge(one, now);
  };
  const judge = (one: Coming, now: number): void => {
    const { request } = one;
    const bytes = request.socket.bytesRead;
    if (request.readableLength > 0) Object.assign(one, { since: now, bytes });
    const passedMs = now - one.since;
    if (passedMs < limits.graceMs) return;
    if (((bytes - one.bytes) / passedMs) * 1_000 < limits.bytesPerSecondMin) request.socket.destroy();
    else Object.assign(one, { since: now, bytes });
  };
  server.on('request', (request: IncomingMessage) => {
    const { socket } = request;
    if (!coming.has(socket)) socket.once('close', () => coming.delete(socket));
    coming.set(socket, { request, since: performance.now(), bytes: socket.bytesRead });
  });
  const timer = setInterval(look, limits.lookEveryMs);
  timer.unref();
  server.once('close', () => clearInterval(timer));
};
