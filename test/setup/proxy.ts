/**
 * A misbehaving network in front of the tests' PostgreSQL. Connect to `url` instead of the database's own
 * and choose the fault: connections cut, an answer that never comes back although its statement took
 * effect, a peer that has gone silent, notifications that are not delivered.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Proxy {
  readonly url: string;
  /** Ends every connection now. */
  readonly cut: () => void;
  /**
   * Lets the next statement whose text holds `text` reach the server, and cuts that connection when the
   * server has answered it, before the answer gets through. Resolves when that has happened.
   */
  readonly cutBeforeAnswerTo: (text: string) => Promise<void>;
  /** From now on nothing gets through on the connections there are; new ones work. */
  readonly freeze: () => void;
  /** From now on the connections there are get every message but notifications. */
  readonly deafen: () => void;
  readonly stop: () => Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  mode: 'open' | 'frozen' | 'deaf' | 'cut on answer';
}

const notification = 'A'.charCodeAt(0);

/** Splits off whole messages (a type byte, then a length that includes itself), without notifications. */
function withoutNotifications(buffer: Buffer): { readonly kept: Buffer; readonly rest: Buffer } {
  const kept: Buffer[] = [];
  let offset = 0;
  while (offset + 5 <= buffer.length) {
    const end = offset + 1 + buffer.readInt32BE(offset + 1);
    if (end > buffer.length) break;
    if (buffer[offset] !== notification) kept.push(buffer.subarray(offset, end));
    offset = end;
  }
  return { kept: Buffer.concat(kept), rest: buffer.subarray(offset) };
}

interface Trap {
  readonly text: string;
  readonly sprung: () => void;
}

export async function startProxy(targetUrl: string, port = 0): Promise<Proxy> {
  const target = new URL(targetUrl);
  const links = new Set<Link>();
  let trap: Trap | undefined;

  const end = (link: Link) => {
    links.delete(link);
    link.client.destroy();
    link.server.destroy();
  };

  const fromClient = (link: Link) => (data: Buffer) => {
    if (link.mode === 'frozen') return;
    if (trap !== undefined && data.includes(trap.text)) link.mode = 'cut on answer';
    link.server.write(data);
  };

  const fromServer = (link: Link) => {
    let buffered: Buffer = Buffer.alloc(0);
    return (data: Buffer) => {
      if (link.mode === 'frozen') return;
      if (link.mode === 'cut on answer') {
        end(link);
        trap?.sprung();
        trap = undefined;
        return;
      }
      if (link.mode === 'open') {
        link.client.write(data);
        return;
      }
      const { kept, rest } = withoutNotifications(Buffer.concat([buffered, data]));
      buffered = rest;
      link.client.write(kept);
    };
  };

  const listener = createServer((client) => {
    const server = connect(Number(target.port), target.hostname);
    const link: Link = { client, server, mode: 'open' };
    links.add(link);
    for (const socket of [client, server]) {
      socket.on('error', () => end(link));
      socket.on('close', () => end(link));
    }
    client.on('data', fromClient(link));
    server.on('data', fromServer(link));
  });
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  const url = new URL(targetUrl);
  url.port = String(typeof address === 'object' && address !== null ? address.port : port);

  const setMode = (mode: Link['mode']) => {
    for (const link of links) link.mode = mode;
  };
  return {
    url: url.href,
    cut: () => {
      for (const link of links) end(link);
    },
    cutBeforeAnswerTo: (text) =>
      new Promise((sprung) => {
        trap = { text, sprung };
      }),
    freeze: () => setMode('frozen'),
    deafen: () => setMode('deaf'),
    stop: async () => {
      for (const link of links) end(link);
      listener.close();
      await once(listener, 'close');
    },
  };
}
