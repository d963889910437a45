/**
 * Sockets whose handshake names nobody that we know: a page of a tool brings its token only with the next message.
 * There may be few of them, in all and of one address, and not for long, so that they cannot take the place of
 * those who are signed in.
 */
import type { IncomingMessage } from 'node:http';
import { QuarterdeckError } from '../../errors.ts';

export const strangersMax = 200;
export const strangersOfAddressMax = 20;
const deadlineMsDefault = 5_000;

interface Connection {
  close(discard: boolean): unknown;
  once(event: 'close', listener: () => void): unknown;
}

export interface Strangers {
  /** @throws QuarterdeckError `too_many_requests`; else it is let in until the deadline. */
  admit(request: IncomingMessage, ip: string): void;
  /** The connection that came of the request. */
  connected(request: IncomingMessage, connection: Connection): void;
  /** It is known by now who it is. */
  known(request: IncomingMessage): void;
  close(): void;
}

interface Stranger {
  readonly ip: string;
  readonly deadline: NodeJS.Timeout;
  connection?: Connection;
}

export const createStrangers = (deadlineMs = deadlineMsDefault): Strangers => {
  const strangers = new Map<IncomingMessage, Stranger>();
  const ofAddress = new Map<string, number>();

  const forget = (request: IncomingMessage): Stranger | undefined => {
    const stranger = strangers.get(request);
    if (stranger === undefined) return undefined;
    strangers.delete(request);
    clearTimeout(stranger.deadline);
    const left = (ofAddress.get(stranger.ip) ?? 1) - 1;
    if (left === 0) ofAddress.delete(stranger.ip);
    else ofAddress.set(stranger.ip, left);
    return stranger;
  };

  /** A connection of its own is cut: closing it politely waits half a minute for the other side's answer. */
  const end = (request: IncomingMessage): void => {
    forget(request)?.connection?.close(true);
    if (request.headers.upgrade !== undefined) request.socket.destroy();
  };

  return {
    admit(request, ip) {
      const before = ofAddress.get(ip) ?? 0;
      if (strangers.size >= strangersMax || before >= strangersOfAddressMax)
        throw new QuarterdeckError(
          'too_many_requests',
          'Too many sockets are open that nobody signed in on.',
        );
      const deadline = setTimeout(() => end(request), deadlineMs);
      deadline.unref();
      strangers.set(request, { ip, deadline });
      ofAddress.set(ip, before + 1);
    },
    connected(request, connection) {
      const stranger = strangers.get(request);
      if (stranger === undefined) return;
      stranger.connection = connection;
      connection.once('close', () => void forget(request));
    },
    known: (request) => void forget(request),
    close() {
      for (const request of [...strangers.keys()]) forget(request);
    },
  };
};
