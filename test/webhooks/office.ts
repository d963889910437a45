/** The engine with the reference domain over a cloned database, and receivers that listen on loopback. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Principal, permissions } from '../../src/access/principal.ts';
import { systemSources } from '../../src/clock.ts';
import { createPool } from '../../src/db/pool.ts';
import { areas } from '../../src/domain/index.ts';
import { createEngine } from '../../src/engine.ts';
import type { EngineOptions } from '../../src/engine-options.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';

export const person = (grants: readonly string[]): Principal => ({
  id: 'person:ann',
  kind: 'person',
  roles: [],
  permissions: permissions(grants),
  tool: 'console',
});

export const ann = person(['*']);

export const account = (accountId: string, more: object = {}): object => ({
  accountId,
  plan: 'DSL',
  contract: 'one-year',
  tenureMonths: 3,
  monthlyCharges: '29.85',
  totalCharges: '89.55',
  ...more,
});

export const openOffice = async (more: Partial<EngineOptions> = {}) => {
  const db: TestDatabase = await testDatabase();
  const pool = createPool({ url: db.applicationUrl, onError: () => undefined });
  const errors: string[] = [];
  const engine = await createEngine({
    ...systemSources,
    areas,
    pool,
    directUrl: db.applicationUrl,
    masterKey: Buffer.alloc(32, 5),
    signingKey: Buffer.alloc(32, 6),
    publicUrl: 'https://quarterdeck.example',
    allowedNetworks: ['127.0.0.1/32'],
    trustedProxies: [],
    redisUrls: [],
    webhooks: { networks: ['127.0.0.0/8'], plain: true },
    onError: (error, doing) => void errors.push(`${doing}: ${String(error)}`),
    say: () => undefined,
    ...more,
  });
  const run = async (name: string, input: object, principal: Principal = ann): Promise<number> => {
    const answer = await engine.commands.execute({ name, input, principal, reason: 'Asked for.' });
    if (answer.kind !== 'done') throw new Error('a dry run was not asked for');
    return answer.done.position;
  };
  return {
    db,
    pool,
    engine,
    errors,
    run,
    close: async () => {
      await engine.stop();
      await pool.end();
      await db.drop();
    },
  };
};

export type Office = Awaited<ReturnType<typeof openOffice>>;

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers each request with what `answer` says, by how many there were before. */
export const openReceiver = async (
  answer: (
    n: number,
    received: Received,
  ) => number | { status: number; headers: Record<string, string> } = () => 204,
) => {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { headers: request.headers, body: Buffer.concat(chunks).toString() };
      received.push(one);
      const answered = answer(received.length - 1, one);
      const { status, headers } = typeof answered === 'number' ? { status: answered, headers: {} } : answered;
      response.writeHead(status, headers).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    received,
    url: `http://127.0.0.1:${port}/hook`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
