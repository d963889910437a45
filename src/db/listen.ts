/**
 * Notifications of PostgreSQL on a connection of their own, which reconnects for ever. Notifications are
 * lost while there is no connection, so `onReconnect` tells readers to look for themselves; and a
 * connection that answers but no longer delivers (a pooler in between, a dead peer) is found by sending
 * ourselves a notification and waiting for it, not by asking whether the server is there.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import pg from 'pg';
import { answerMsMax, keepSession, withLimit } from './session.ts';

export interface ListenerOptions {
  /** A direct connection, not one through a pooler. */
  readonly url: string;
  readonly channels: readonly string[];
  readonly onNotification: (channel: string, payload: string) => void;
  /** After every connection, the first included: whatever happened before it was not notified. */
  readonly onReconnect: () => void;
  /** Notifications are being missed from now on. */
  readonly onDown?: () => void;
  readonly log: (line: string) => void;
  readonly probeMs?: number;
}

export interface Listener {
  /** For health: false while notifications are being missed. */
  readonly connected: boolean;
  readonly stop: () => Promise<void>;
}

/** Resolves when a notification that we sent ourselves has come back. */
async function roundTrip(client: pg.Client, channel: string, signal: AbortSignal): Promise<void> {
  const token = randomBytes(8).toString('hex');
  const arrived = (async () => {
    for (;;) {
      const [message] = (await once(client, 'notification', { signal })) as [pg.Notification];
      if (message.channel === channel && message.payload === token) return;
    }
  })();
  // Awaited below; this keeps an abort during the query from being reported as unhandled.
  arrived.catch(() => undefined);
  await client.query('SELECT pg_notify($1, $2)', [channel, token]);
  await arrived;
}

export function createListener(options: ListenerOptions): Listener {
  const { url, channels, onNotification, onReconnect, log } = options;
  const probeChannel = `quarterdeck_probe_${randomBytes(8).toString('hex')}`;
  const listen = [...channels, probeChannel].map((name) => `LISTEN ${pg.escapeIdentifier(name)}`).join('; ');
  const session = keepSession({
    url,
    applicationName: 'quarterdeck-listener',
    prepare: async (client, signal) => {
      client.on('notification', ({ channel, payload = '' }) => {
        if (channel !== probeChannel) onNotification(channel, payload);
      });
      await withLimit(signal, answerMsMax, async (limit) => {
        await client.query(listen);
        await roundTrip(client, probeChannel, limit);
      });
    },
    probe: (client, signal) => roundTrip(client, probeChannel, signal),
    onUp: onReconnect,
    onDown: () => options.onDown?.(),
    log,
    ...(options.probeMs === undefined ? {} : { probeMs: options.probeMs }),
  });
  return {
    get connected() {
      return session.up;
    },
    stop: session.stop,
  };
}
