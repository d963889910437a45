/**
 * One engine behind three doors, each an HTTP server of its own: `open`, where nobody asks who it is or
 * what they may do; `session`, with the gate and a role of the policy; `rows`, whose role reaches the
 * accounts of one region. Everything else of a request is the same.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RequestHandler } from 'express';
import { permissions } from '#engine/access/principal';
import { systemSources } from '#engine/clock';
import { createPool } from '#engine/db/pool';
import { areas } from '#engine/domain/index';
import { createEngine, type Engine } from '#engine/engine';
import { createApp } from '#engine/http/app';
import { type GateHandlers, gateHandlers } from '#engine/http/authenticate';
import { setCaller } from '#engine/http/caller';
import { commandRoutes } from '#engine/http/commands';
import { createLogger } from '#engine/http/log';
import { messages } from '#engine/http/messages';
import { createMetrics } from '#engine/http/metrics';
import { accountOpened, masterKey, metadataOf, signingKey, unitOf } from './commands.ts';
import { serveTasks } from './serve.ts';

const policy = `
roles:
  agent: { permissions: [accounts:*] }
  regional: { permissions: [accounts:*], rows: ['accounts where region in {principal.regions}'] }
providers:
  bench: { groups: { agents: agent, regional: regional }, attributes: { regions: regions } }
tools: { console: { scope: ['*'] } }
`;

let engine: Engine;
let pool: ReturnType<typeof createPool>;
const servers: Server[] = [];

const open = async ({ applicationUrl }: { applicationUrl: string }): Promise<void> => {
  pool = createPool({ url: applicationUrl, max: 20, onError: console.error });
  engine = await createEngine({
    ...systemSources,
    areas,
    pool,
    directUrl: applicationUrl,
    masterKey,
    signingKey,
    publicUrl: 'http://127.0.0.1',
    allowedNetworks: ['127.0.0.0/8'],
    trustedProxies: [],
    redisUrls: [],
    onError: (error, doing) => console.error(doing, error),
    say: () => undefined,
  });
  await engine.access.applyPolicy(policy, 'bench policy');
  await engine.start({ project: true, work: true });
};

/** Accounts `<prefix>0` … of the region. */
const openAccounts = async ({ prefix, count }: { prefix: string; count: number }): Promise<void> => {
  let next = 0;
  const loop = async (client: number): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      const id = `${prefix}${n}`;
      const data = { ...accountOpened(id, false), region: 'EMEA' };
      await engine.log.append(
        unitOf(`account-${id}`, 0, 'AccountOpened', data, metadataOf(client, n, 'session')),
      );
    }
  };
  await Promise.all(Array.from({ length: 500 }, (_, client) => loop(client)));
};

const personOf = async (group: string) => {
  const { people, sessions, cookies } = engine.access;
  const person = await people.seal({
    provider: 'bench',
    entityId: 'https://idp.test',
    nameId: group,
    email: `${group}@example.test`,
    name: `A person of ${group}`,
    groups: [group],
    attributes: { regions: ['EMEA'] },
  });
  await people.signedIn(pool, person);
  const { token } = await sessions.begin(pool, { personId: person.id, tool: 'console' });
  return { id: person.id, cookie: `${cookies.sessionName}=${token}` };
};

const pass: RequestHandler = (_request, _response, next) => next();

/** The same person, let in unasked with every permission. */
const openGate = async (personId: string): Promise<GateHandlers> => {
  const found = await engine.access.principalOf(personId, 'console');
  if (found === undefined) throw new Error('the person is not there');
  const principal = { ...found, sessionId: 'session-of-the-open-door', permissions: permissions(['*']) };
  return {
    network: () => undefined,
    credentials: () => undefined,
    session: async (_request, response) => {
      setCaller(response, principal, '127.0.0.1');
    },
  };
};

const listen = async (gates: GateHandlers): Promise<number> => {
  const app = createApp({
    gates,
    log: createLogger({ level: 'warn' }),
    newId: systemSources.newId,
    metrics: createMetrics({ projectionLag: async () => ({}) }),
    onDenied: () => undefined,
    healthChecks: [],
    security: { publicUrl: 'http://127.0.0.1', formTargets: () => [] },
    auth: pass,
    oidc: pass,
    crossOrigin: () => false,
    routes: commandRoutes(engine),
  });
  const server = createServer(messages, app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return (server.address() as AddressInfo).port;
};

export interface Door {
  readonly port: number;
  readonly cookie: string;
}

const doors = async (): Promise<Readonly<Record<'open' | 'session' | 'rows', Door>>> => {
  const agent = await personOf('agents');
  const regional = await personOf('regional');
  const gated = gateHandlers(engine.access.gate);
  return {
    open: { port: await listen(await openGate(agent.id)), cookie: agent.cookie },
    session: { port: await listen(gated), cookie: agent.cookie },
    rows: { port: await listen(gated), cookie: regional.cookie },
  };
};

const cpu = async (): Promise<number> => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

const close = async (): Promise<void> => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await engine.stop();
  await pool.end();
};

serveTasks({ open, openAccounts, doors, cpu }, close);
