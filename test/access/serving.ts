/**
 * One process's worth of access over a test database, with the routes of `/auth` and a small API behind
 * the gate, on a port of its own. The log, the codec, PostgreSQL and the development provider are real.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import pino from 'pino';
import { type Access, type AccessOptions, createAccess } from '../../src/access/access.ts';
import { accessEvents, accessStream } from '../../src/access/engine-events.ts';
import { meOf } from '../../src/access/me.ts';
import {
  openSingleSignOn,
  type SingleSignOn,
  type SingleSignOnOptions,
} from '../../src/access/single-sign-on.ts';
import { createCodec } from '../../src/events/codec.ts';
import type { RecordedEvent } from '../../src/events/envelope.ts';
import { createEventLog, type RunningLog } from '../../src/events/event-log.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import { createRegistry } from '../../src/events/registry.ts';
import { authRouter } from '../../src/http/auth.ts';
import { clientAddressOf, gateHandlers } from '../../src/http/authenticate.ts';
import { principalOf } from '../../src/http/caller.ts';
import { problemHandler } from '../../src/http/problem.ts';
import { asLayer } from '../../src/http/step.ts';
import type { TestDatabase } from '../setup/database.ts';

export const samplePolicy = `
roles:
  support: { permissions: [accounts:read, support:*] }
  ops: { permissions: [accounts:*] }
  admin: { permissions: ['*'] }
providers:
  development: { groups: { support: support, ops: [ops, support], admin: admin } }
tools:
  console: { scope: ['*'] }
  narrow: { scope: ['accounts:read'] }
`;

export interface Keys {
  readonly masterKey: Buffer;
  readonly identityKey: Buffer;
  readonly dataDir: string;
}

/** What processes of one installation share beside the database. */
export const newKeys = async (): Promise<Keys> => ({
  masterKey: randomBytes(32),
  identityKey: randomBytes(32),
  dataDir: await mkdtemp(path.join(tmpdir(), 'quarterdeck-access-')),
});

export const dropKeys = ({ dataDir }: Keys): Promise<void> => rm(dataDir, { recursive: true, force: true });

export interface Part {
  readonly log: RunningLog;
  readonly access: Access;
  readonly clock: { now: Date };
  readonly faults: unknown[];
  /** Events of `$access`, oldest first, after pending denials were written. */
  recorded(): Promise<readonly RecordedEvent[]>;
  stop(): Promise<void>;
}

export type PartOptions = Partial<Omit<AccessOptions, 'pool' | 'log' | 'codec'>>;

/** Access without HTTP. The clock stands at the real time of the start and is moved by the test. */
export const startPart = async (db: TestDatabase, keys: Keys, options: PartOptions = {}): Promise<Part> => {
  const faults: unknown[] = [];
  const clock = { now: new Date() };
  const codec = createCodec(createKeyRing(db.app, keys.masterKey));
  const log = createEventLog({
    pool: db.app,
    registry: createRegistry([...accessEvents]),
    codec,
    onError: (error) => faults.push(error),
  });
  await log.start();
  const access = await createAccess({
    pool: db.app,
    directUrl: db.applicationUrl,
    log,
    codec,
    identityKey: keys.identityKey,
    clock: () => clock.now,
    newId: randomUUID,
    onError: (error) => faults.push(error),
    publicUrl: 'http://127.0.0.1:7400',
    allowedNetworks: [],
    trustedProxies: [],
    ...options,
  });
  return {
    log,
    access,
    clock,
    faults,
    recorded: async () => {
      await access.denials.flush();
      return log.readStreams([accessStream]);
    },
    stop: async () => {
      await access.stop();
      await log.stop();
    },
  };
};

export interface Served extends Part {
  readonly url: string;
  readonly sso: SingleSignOn;
}

export interface ServedOptions extends PartOptions {
  readonly sso?: Partial<SingleSignOnOptions>;
}

export const serve = async (db: TestDatabase, keys: Keys, options: ServedOptions = {}): Promise<Served> => {
  const app = express();
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { sso: ssoOptions, ...partOptions } = options;
  const part = await startPart(db, keys, { publicUrl: url, ...partOptions });
  const sso = await openSingleSignOn({
    access: part.access,
    pool: db.app,
    clock: () => part.clock.now,
    onError: (error) => part.faults.push(error),
    production: false,
    dataDir: keys.dataDir,
    metadata: [],
    groupsAttribute: 'groups',
    ...ssoOptions,
  });
  const { network, credentials, session } = gateHandlers(part.access.gate);
  app.use(asLayer(network));
  app.use(
    '/auth',
    authRouter(part.access, sso, (error) => part.faults.push(error)),
  );
  app.use('/internal', asLayer(credentials), asLayer(session));
  app.get('/internal/v1/me', (_request, response) => {
    response.json(meOf(principalOf(response)));
  });
  app.post('/internal/v1/echo', (_request, response) => {
    response.json({ by: principalOf(response).id, from: clientAddressOf(response) });
  });
  app.use(problemHandler(pino({ level: 'silent' })));
  return {
    ...part,
    url,
    sso,
    stop: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await sso.stop();
      await part.stop();
    },
  };
};
