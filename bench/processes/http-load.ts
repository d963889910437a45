/**
 * Load over HTTP from a process of its own: keep-alive connections that each send the next request when
 * the last was answered. Sockets and text, no HTTP library: on a small machine the one who asks must not
 * take the time of the one who answers.
 */
import { connect, type Socket } from 'node:net';
import type { Loaded } from '../measure.ts';
import { paced, percentile, serveTasks, underLoad } from './serve.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Header lines that every request carries, without the length. */
  readonly headers: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Connection {
  ask(method: string, path: string, body?: string, header?: string): Promise<Answer>;
  end(): void;
}

const open = ({ host, port, headers }: Target): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const fixed = `\r\nHost: ${host}:${port}\r\n${headers.map((line) => `${line}\r\n`).join('')}`;
    const socket: Socket = connect({ host, port, noDelay: true });
    let received = '';
    let settle: ((answer: Answer) => void) | undefined;
    let fail: (error: Error) => void = reject;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      received += text;
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (received.length < end + 4 + length) return;
      const answer = { status: Number(received.slice(9, 12)), text: received.slice(end + 4) };
      received = '';
      settle?.(answer);
    });
    socket.on('error', (error) => fail(error));
    socket.on('close', () => fail(new Error('the connection was closed')));
    socket.once('connect', () =>
      resolve({
        ask: (method, path, body, header = '') =>
          new Promise((answered, failed) => {
            settle = answered;
            fail = failed;
            const more =
              body === undefined
                ? '\r\n'
                : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
            socket.write(`${method} ${path} HTTP/1.1${fixed}${header}${more}`);
          }),
        end() {
          fail = () => undefined;
          socket.destroy();
        },
      }),
    );
  });

interface Commands {
  readonly target: Target;
  readonly path: string;
  readonly clients: number;
  readonly seconds: number;
  readonly prefix: string;
  /** Accounts `<prefix>0` … are there; every request is about another one, until all had their turn. */
  readonly accounts: number;
}

let sent = 0;

const bodyOf = ({ prefix, accounts }: Commands): string => {
  const nth = sent++;
  const plan = `plan-${Math.floor(nth / accounts)}`;
  return JSON.stringify({ accountId: `${prefix}${nth % accounts}`, plan });
};

const many = (target: Target, count: number): Promise<readonly Connection[]> =>
  Promise.all(Array.from({ length: count }, () => open(target)));

/** `change-plan` on account after account; what is not answered with 200 is counted as failed. */
const commands = async (asked: Commands): Promise<Loaded> => {
  const connections = await many(asked.target, asked.clients);
  let failed = 0;
  const loaded = await underLoad(asked.clients, asked.seconds, async (client) => {
    const answer = await (connections[client] as Connection).ask('POST', asked.path, bodyOf(asked));
    if (answer.status !== 200 && failed++ === 0) console.error(answer);
  });
  for (const connection of connections) connection.end();
  return { ...loaded, failed };
};

interface Paced extends Commands {
  readonly perSecond: number;
}

/** Commands at an even pace, each sent when it is due, however long the others take. */
const evenly = async (asked: Paced): Promise<Loaded> => {
  const free = [...(await many(asked.target, asked.clients))];
  let failed = 0;
  const loaded = await paced(asked.perSecond, asked.seconds, async () => {
    const connection = free.pop() ?? (await open(asked.target));
    const answer = await connection.ask('POST', asked.path, bodyOf(asked));
    free.push(connection);
    if (answer.status !== 200 && failed++ === 0) console.error(answer);
  });
  for (const connection of free) connection.end();
  return { ...loaded, failed };
};

interface Lag extends Paced {
  /** One command in so many is followed by a read that waits for it. */
  readonly readEvery: number;
}

export interface LagAnswer {
  readonly sent: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly commandP99Ms: number;
  readonly reads: number;
}

/**
 * Commands at an even pace; after some of them the account is read with `Quarterdeck-Min-Position`, and
 * the time from the command's answer to the read's answer is the lag (with the read itself, so a little
 * more than the projection's own).
 */
const lag = async (asked: Lag): Promise<LagAnswer> => {
  const free = [...(await many(asked.target, asked.clients))];
  const readers = [...(await many(asked.target, asked.clients))];
  const lags: number[] = [];
  const reading = new Set<Promise<void>>();
  const read = async (accountId: string, position: number): Promise<void> => {
    const reader = readers.pop();
    if (reader === undefined) throw new Error('more reads at a time than there are connections');
    const begun = performance.now();
    const header = `Quarterdeck-Min-Position: ${position}\r\n`;
    const answer = await reader.ask('GET', `/internal/v1/accounts/${accountId}`, undefined, header);
    if (answer.status !== 200) throw new Error(`the read answered ${answer.status}: ${answer.text}`);
    lags.push(performance.now() - begun);
    readers.push(reader);
  };
  const loaded = await paced(asked.perSecond, asked.seconds, async (nth) => {
    const connection = free.pop();
    if (connection === undefined) throw new Error('more commands at a time than there are connections');
    const body = bodyOf(asked);
    const { status, text } = await connection.ask('POST', asked.path, body);
    free.push(connection);
    if (status !== 200) throw new Error(`the command answered ${status}: ${text}`);
    if (nth % asked.readEvery !== 0) return;
    const { accountId } = JSON.parse(body) as { accountId: string };
    const work = read(accountId, (JSON.parse(text) as { position: number }).position);
    reading.add(work);
  });
  await Promise.all(reading);
  for (const connection of [...free, ...readers]) connection.end();
  lags.sort((a, b) => a - b);
  return {
    sent: loaded.operations,
    p50Ms: percentile(lags, 0.5),
    p99Ms: percentile(lags, 0.99),
    maxMs: lags.at(-1) ?? 0,
    commandP99Ms: loaded.p99Ms ?? 0,
    reads: lags.length,
  };
};

serveTasks({ open: async () => undefined, commands, evenly, lag }, async () => undefined);
