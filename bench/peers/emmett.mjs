/**
 * The peer of `append`: emmett 0.42 on PostgreSQL, in a process of its own, answering the same messages as
 * ours. One event an append, on a stream at the version it is known to have, with the same data and
 * metadata as ours in the clear. Its schema is made beforehand, so that no append looks for it, and its
 * pool has as many connections as served it best here (see the README).
 */
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import pg from 'pg';

let store;
let pool;

const open = async ({ url, connections }) => {
  pool = new pg.Pool({ connectionString: url, max: connections });
  const once = getPostgreSQLEventStore(url, { connectionOptions: { pool } });
  await once.schema.migrate();
  store = getPostgreSQLEventStore(url, { connectionOptions: { pool }, schema: { autoMigration: 'None' } });
};

const close = async () => {
  await store.close();
  if (!pool.ended) await pool.end();
};

const metadataOf = (client, nth, personal) => ({
  actor: { id: `person:${client.toString(16).padStart(32, '0')}`, kind: 'person' },
  tool: 'console',
  sessionId: `session-${client}`,
  command: 'change-plan',
  commandId: crypto.randomUUID(),
  correlationId: crypto.randomUUID(),
  decidedAt: new Date().toISOString(),
  email: `person-${client}@example.test`,
  name: `Person Number ${client}`,
  ip: `10.0.${client >> 8}.${client & 255}`,
  ...(personal === 'reason' ? { reason: `asked for by the customer in call ${client}-${nth}` } : {}),
});

const versions = new Map();

const appendOne = async (stream, event) => {
  const known = versions.get(stream);
  const { nextExpectedStreamVersion } = await store.appendToStream(stream, [event], {
    expectedStreamVersion: known ?? 'STREAM_DOES_NOT_EXIST',
  });
  versions.set(stream, nextExpectedStreamVersion);
};

const openAccounts = async ({ prefix, count }) => {
  let next = 0;
  const loop = async () => {
    for (let n = next++; n < count; n = next++) {
      const data = {
        accountId: `${prefix}${n}`,
        plan: 'basic',
        contract: 'month-to-month',
        tenureMonths: 12,
      };
      await appendOne(`account-${prefix}${n}`, { type: 'AccountOpened', data, metadata: metadataOf(0, n) });
    }
  };
  await Promise.all(Array.from({ length: 64 }, loop));
};

const append = async ({ clients, seconds, prefix, streams, metadata }) => {
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  const end = begun + seconds * 1_000;
  const took = [];
  const loop = async (client) => {
    let before = performance.now();
    for (let nth = 0; before < end; nth++) {
      const accountId = `${prefix}${client * streams + (nth % streams)}`;
      const data = { accountId, plan: `plan-${nth % 7}` };
      await appendOne(`account-${accountId}`, {
        type: 'PlanChanged',
        data,
        metadata: metadataOf(client, nth, metadata),
      });
      const after = performance.now();
      took.push(after - before);
      before = after;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => loop(client)));
  took.sort((a, b) => a - b);
  const cpu = process.cpuUsage(cpuBefore);
  return {
    operations: took.length,
    seconds: (performance.now() - begun) / 1_000,
    cpuMicros: cpu.user + cpu.system,
    p50Ms: took[Math.floor(took.length * 0.5)],
    p99Ms: took[Math.floor(took.length * 0.99)],
  };
};

const tasks = { open, openAccounts, append };

process.on('message', ({ task, parameters }) => {
  tasks[task](parameters).then(
    (answer) => process.send({ answer: answer ?? null }),
    (error) => process.send({ error: error.stack ?? String(error) }),
  );
});
process.on('disconnect', () => close().then(() => process.exit(0)));
