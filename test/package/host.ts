/**
 * An express app with a life of its own (routes, parsers of bodies, headers, an error handler) in which
 * Quarterdeck is mounted for an area that it never heard of.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express, { type ErrorRequestHandler } from 'express';
import { createPool, createQuarterdeck } from '../../src/index.ts';
import { Browser } from '../access/browser.ts';
import { testDatabase } from '../setup/database.ts';
import { ticketsArea } from './tickets/index.ts';

const policy = `
roles:
  desk: { permissions: ['tickets:*', 'bulk:*', 'audit:*'] }
  guest: { permissions: ['tickets:read'] }
providers:
  development: { groups: { ops: desk, support: guest } }
tools:
  console: { scope: ['*'] }
`;

export interface Host {
  readonly base: string;
  /** What the app's own error handler was given. */
  readonly errors: readonly string[];
  cookieOf(user: string): Promise<string>;
  close(): Promise<void>;
}

export const openHost = async (): Promise<Host> => {
  const db = await testDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), 'quarterdeck-host-'));
  const pool = createPool({ url: db.applicationUrl, onError: () => undefined });
  const errors: string[] = [];
  const app = express();
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const quarterdeck = await createQuarterdeck({
    areas: [ticketsArea],
    policy,
    pool,
    dataDir,
    publicUrl: base,
  });

  app.use(express.json(), express.urlencoded());
  app.get('/before', (_request, response) => {
    response.send('the host, before');
  });
  app.use(quarterdeck.router);
  app.post('/orders', (request, response) => {
    response.status(201).json({ ordered: request.body });
  });
  app.get('/broken', () => {
    throw new Error('The host broke.');
  });
  app.use((_request, response) => {
    response.status(404).send('the host knows no such page');
  });
  const onError: ErrorRequestHandler = (error: Error, _request, response, _next) => {
    errors.push(error.message);
    response.status(500).send('the host is sorry');
  };
  app.use(onError);
  quarterdeck.attach(server);
  await quarterdeck.start();

  return {
    base,
    errors,
    cookieOf: async (user) => {
      const browser = new Browser(base);
      await browser.signIn(user);
      return browser.cookies();
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await quarterdeck.stop();
      await pool.end();
      await db.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};
