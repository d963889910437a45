/**
 * The API of a small area over a cloned database: log, write side, access, app and sockets are the
 * product's own. People are signed in without the round trip through an identity provider, which has
 * tests of its own; their sessions are real.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Access, createAccess } from '../../src/access/access.ts';
import { accessEvents } from '../../src/access/engine-events.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { auditEvents } from '../../src/audit/engine-events.ts';
import { createAuditIndex } from '../../src/audit/index/audit-index.ts';
import { createKnownValues } from '../../src/audit/known.ts';
import { createBatches } from '../../src/audit/reading.ts';
import { createCatalogue } from '../../src/commands/catalogue.ts';
import { createDeciding } from '../../src/commands/deciding.ts';
import { commandEngineEvents } from '../../src/commands/engine-events.ts';
import { createIdempotency } from '../../src/commands/idempotency.ts';
import { createLanes } from '../../src/commands/lanes.ts';
import { createPipeline } from '../../src/commands/pipeline.ts';
import { createRefusalCounts } from '../../src/commands/refusal-counts.ts';
import { type Codec, createCodec } from '../../src/events/codec.ts';
import type { EventDefinition } from '../../src/events/definition.ts';
import { createEventLog, type RunningLog } from '../../src/events/event-log.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import { createRegistry } from '../../src/events/registry.ts';
import { createApp } from '../../src/http/app.ts';
import { auditRoutes } from '../../src/http/audit.ts';
import { gateHandlers, recordDenial } from '../../src/http/authenticate.ts';
import { commandRoutes } from '../../src/http/commands.ts';
import { createLive, type Live } from '../../src/http/live/live.ts';
import { logTopic } from '../../src/http/live/log-topic.ts';
import { rowTopics } from '../../src/http/live/row-topics.ts';
import { systemTopic } from '../../src/http/live/system-topic.ts';
import { meRoute } from '../../src/http/me.ts';
import { withDocumentation } from '../../src/http/openapi.ts';
import { queryRoutes } from '../../src/http/queries.ts';
import { listenOn } from '../../src/http/server.ts';
import { queryEvents } from '../../src/queries/engine-events.ts';
import { createReadSide, type ReadSide } from '../../src/queries/read-side.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { dependencies } from './serving.ts';
import { shop } from './shop.ts';

const policy = `
roles:
  clerk: { permissions: ['parcels:post', 'parcels:read'] }
  chief: { permissions: ['*'] }
  auditor: { permissions: ['audit:*', 'parcels:read', 'parcels:internal'] }
providers:
  test: { groups: { clerks: clerk, chiefs: chief, auditors: auditor } }
tools:
  console: { scope: ['*'] }
`;

export interface Office {
  readonly base: string;
  readonly db: TestDatabase;
  readonly log: RunningLog;
  readonly access: Access;
  readonly live: Live;
  readonly faults: readonly unknown[];
  /** The cookie of a new session of somebody in that group. */
  signIn(group: 'clerks' | 'auditors' | 'chiefs'): Promise<string>;
  close(): Promise<void>;
}

export const openOffice = async (): Promise<Office> => {
  const db = await testDatabase();
  const faults: unknown[] = [];
  const onError = (error: unknown) => faults.push(error);
  const codec = createCodec(createKeyRing(db.app, randomBytes(32)));
  const events = [
    ...shop.events,
    ...commandEngineEvents,
    ...accessEvents,
    ...queryEvents,
    ...auditEvents,
  ] as unknown as EventDefinition[];
  const log = createEventLog({ pool: db.app, registry: createRegistry(events), codec, onError });
  await log.start();
  const listening = await listenLater();
  const base = `http://127.0.0.1:${listening.port}`;
  const access = await createAccess({
    pool: db.app,
    directUrl: db.applicationUrl,
    log,
    codec,
    identityKey: randomBytes(32),
    clock: () => new Date(),
    newId: randomUUID,
    onError,
    publicUrl: base,
    allowedNetworks: [],
    trustedProxies: [],
  });
  await access.applyPolicy(policy, 'test policy');
  const reading = await readSideOver(db, log, onError);
  const { onProjected } = reading.progress;
  const kinds = [
    logTopic({ log, reached: reading.reached }),
    systemTopic(standing(reading)),
    rowTopics({ queries: reading.queries, log, onProjected }, shop.projections),
  ];
  const live = createLive({ gate: access.gate, isToolOrigin: access.isToolOrigin, kinds, onError });
  live.attach(listening.server);
  access.onSessionsEnded(() => void live.recheck());
  listening.use(appOver({ db, log, access, reading, publicUrl: base, codec }));
  return {
    base,
    db,
    log,
    access,
    live,
    faults,
    signIn: (group) => beginSession(db, access, group),
    close: async () => {
      await live.close();
      await listening.close(1_000);
      await reading.projector.stop();
      await reading.stop();
      await access.stop();
      await log.stop();
      await db.drop();
    },
  };
};

/** The address must be known before the app that is told of it. */
const listenLater = async () => {
  let listener: RequestListener | undefined;
  const listening = await listenOn((request, response) => listener?.(request, response), '127.0.0.1', 0);
  const use = (made: RequestListener): void => {
    listener = made;
  };
  return { ...listening, use };
};

const clock = () => new Date().toISOString().replace('Z', '000Z');

/** Projecting, with every projection able to answer. */
const readSideOver = async (
  db: TestDatabase,
  log: RunningLog,
  onError: (error: unknown) => void,
): Promise<ReadSide> => {
  const reading = createReadSide({
    pool: db.app,
    log,
    projections: shop.projections,
    leaderUrl: db.applicationUrl,
    secret: randomBytes(32),
    clock,
    newId: randomUUID,
    onError,
    logLine: () => undefined,
  });
  reading.projector.start();
  while ((await reading.health()).projections.some(({ state }) => state !== 'live')) await sleep(20);
  return reading;
};

interface Parts {
  readonly db: TestDatabase;
  readonly log: RunningLog;
  readonly access: Access;
  readonly reading: ReadSide;
  readonly publicUrl: string;
  readonly codec: Codec;
}

const appOver = ({ db, log, access, reading, publicUrl, codec }: Parts) => {
  const deciding = createDeciding(log, reading.judging);
  const commands = createPipeline({
    log,
    refusals: createRefusalCounts({ log, newId: randomUUID, clock, onError: () => undefined }),
    deciding,
    lanes: createLanes(log, deciding),
    catalogue: createCatalogue(shop.commands),
    idempotency: createIdempotency(db.app, randomBytes(32)),
    source: { newId: randomUUID, clock },
    denied: async () => undefined,
  });
  const auditIndex = createAuditIndex({
    pool: db.app,
    log,
    codec,
    aboutOf: () => [],
    isOld: () => false,
    secret: randomBytes(32),
    leaderUrl: db.applicationUrl,
    onError: () => undefined,
    logLine: () => undefined,
  });
  const known = createKnownValues({
    log,
    batches: createBatches(db.app, log, auditIndex.batches),
    vocabulary: {
      types: [...shop.events, ...accessEvents].map(({ type }) => type),
      commands: shop.commands.map(({ name }) => name),
      tools: () => ['console'],
      prefixes: shop.streams.map(({ prefix }) => prefix),
    },
  });
  const audit = createAudit({
    known,
    pool: db.app,
    log,
    streams: shop.streams,
    clock,
    newId: randomUUID,
    streamsReached: reading.reached.streams,
    refsOf: () => [],
    types: shop.events.map(({ type }) => type),
    notesOf: (type) => shop.events.find((event) => event.type === type),
    logReads: { soon: () => undefined },
    indexed: auditIndex.batches,
  });
  const routes = [
    ...commandRoutes({ commands, definitions: shop.commands }),
    ...queryRoutes(reading.queries, shop.projections),
    ...auditRoutes(audit),
    meRoute,
  ];
  const { gate } = access;
  return createApp({
    ...dependencies({}, new PassThrough().resume()),
    gates: gateHandlers(gate),
    onDenied: (request, response, error) => recordDenial(gate, request, response, error),
    routes: withDocumentation(routes, {
      version: '1.0.0',
      publicUrl,
      sessionCookie: access.cookies.sessionName,
    }),
  });
};

const standing = (reading: ReadSide) => ({
  read: async () => {
    const { head, projections } = await reading.health();
    const projected = Math.min(head, ...projections.map(({ position }) => position));
    return { head, projected, lag: head - projected, jobsRunning: 0 };
  },
  onChange: reading.progress.onProjected,
});

const beginSession = async (db: TestDatabase, access: Access, group: string): Promise<string> => {
  const person = await access.people.seal({
    provider: 'test',
    entityId: 'https://idp.test',
    nameId: randomUUID(),
    groups: [group],
  });
  await access.people.signedIn(db.app, person);
  const { token } = await access.sessions.begin(db.app, { personId: person.id, tool: 'console' });
  return `${access.cookies.sessionName}=${token}`;
};
