/**
 * The engine in a process of its own, as a process of the product has it, without HTTP: the log with its
 * codec, the pipeline, and the projector and the workers where asked for.
 */

import '#engine/heap';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemSources } from '#engine/clock';
import { createPool } from '#engine/db/pool';
import { areas } from '#engine/domain/index';
import { createEngine, type Engine } from '#engine/engine';
import type { Duties } from '#engine/engine-options';
import { openStorage } from '#engine/storage/open';
import type { Loaded } from '../measure.ts';
import {
  accountOpened,
  masterKey,
  metadataOf,
  type PersonalMetadata,
  principalOf,
  signingKey,
  unitOf,
} from './commands.ts';
import { paced, serveTasks, underLoad } from './serve.ts';

interface Opening extends Duties {
  readonly applicationUrl: string;
  readonly redisUrls?: readonly string[];
}

let engine: Engine;
let pool: ReturnType<typeof createPool>;

const open = async ({ applicationUrl, redisUrls = [], ...duties }: Opening): Promise<void> => {
  pool = createPool({ url: applicationUrl, max: 20, onError: console.error });
  engine = await createEngine({
    ...systemSources,
    areas,
    pool,
    directUrl: applicationUrl,
    masterKey,
    signingKey,
    publicUrl: 'http://127.0.0.1:7400',
    allowedNetworks: ['127.0.0.0/8'],
    trustedProxies: [],
    redisUrls,
    onError: (error, doing) => console.error(doing, error),
    say: () => undefined,
    exportsStorage: await openStorage(join(tmpdir(), 'quarterdeck-exports')),
  });
  await engine.start(duties);
};

const close = async (): Promise<void> => {
  await engine.stop();
  await pool.end();
};

/** Accounts `<prefix>0` … in the log, by many appends at a time. */
const openAccounts = async (asked: { prefix: string; count: number; personal?: boolean }): Promise<void> => {
  const { prefix, count, personal = false } = asked;
  let next = 0;
  const loop = async (client: number): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      const id = `${prefix}${n}`;
      const data = accountOpened(id, personal);
      const unit = unitOf(`account-${id}`, 0, 'AccountOpened', data, metadataOf(client, n, 'session'));
      const outcome = await engine.log.append(unit);
      if (!outcome.accepted) throw new Error(`${id} was refused: ${outcome.cause}`);
    }
  };
  await Promise.all(Array.from({ length: 500 }, (_, client) => loop(client)));
};

interface Appending {
  readonly clients: number;
  readonly seconds: number;
  readonly prefix: string;
  /** Streams of each client, which exist and are written in turn. */
  readonly streams: number;
  readonly metadata: PersonalMetadata;
  /** Whether the event itself holds a personal field, under the key of its account. */
  readonly personalData?: boolean;
}

const versions = new Map<string, number>();

/** A one-event command through the log's own API, on a stream at the version that it is known to have. */
const appendOne = async (asked: Appending, client: number, nth: number): Promise<void> => {
  const { prefix, streams, metadata, personalData = false } = asked;
  const accountId = `${prefix}${client * streams + (nth % streams)}`;
  const stream = `account-${accountId}`;
  const base = versions.get(stream) ?? 1;
  const event = personalData
    ? { type: 'AccountCorrected', data: { accountId, name: `Customer ${nth}` } }
    : { type: 'PlanChanged', data: { accountId, plan: `plan-${base % 7}` } };
  const unit = unitOf(stream, base, event.type, event.data, metadataOf(client, nth, metadata));
  const outcome = await engine.log.append(unit);
  if (!outcome.accepted) throw new Error(`${stream} at ${base} was refused: ${outcome.cause}`);
  versions.set(stream, base + 1);
};

const append = (asked: Appending) =>
  underLoad(asked.clients, asked.seconds, (client, nth) => appendOne(asked, client, nth));

let opened = 0;

/** Each append opens an account that nobody has heard of; with `personal`, a new subject. */
const openUnderLoad = (asked: { clients: number; seconds: number; personal: boolean }) =>
  underLoad(asked.clients, asked.seconds, async (client, nth) => {
    const id = `opened-${opened++}`;
    const data = accountOpened(id, asked.personal);
    const unit = unitOf(`account-${id}`, 0, 'AccountOpened', data, metadataOf(client, nth, 'session'));
    const outcome = await engine.log.append(unit);
    if (!outcome.accepted) throw new Error(`${id} was refused: ${outcome.cause}`);
  });

/** The same at an even pace. A stream comes round again long after its last append has ended. */
const appendPaced = (asked: Appending & { readonly perSecond: number }) =>
  paced(asked.perSecond, asked.seconds, (nth) =>
    appendOne(asked, nth % asked.clients, Math.floor(nth / asked.clients)),
  );

/** All clients send commands to one account; a command that is refused is counted, not thrown. */
const oneStream = async (asked: { clients: number; seconds: number; accountId: string }): Promise<Loaded> => {
  let failed = 0;
  const loaded = await underLoad(asked.clients, asked.seconds, async (client, nth) => {
    const input = { accountId: asked.accountId, plan: `plan-${client}-${nth}` };
    await engine.commands
      .execute({ name: 'change-plan', input, principal: principalOf(client) })
      .catch(() => {
        failed++;
      });
  });
  return { ...loaded, failed };
};

/** Until every projection stands at the head. */
const projected = async (): Promise<number> => {
  for (;;) {
    const { head, projections } = await engine.readSide.health();
    if (projections.length > 0 && projections.every(({ position }) => position >= head)) return head;
    await sleep(20);
  }
};

const buildingTable = async (): Promise<{ position: number } | undefined> => {
  const { rows } = await pool.query<{ position: number }>(
    "SELECT position FROM projections WHERE name = 'accounts' AND state = 'building'",
  );
  return rows[0];
};

/**
 * Rebuilds the accounts. The clock runs from the first page that was seen committed (before it the
 * projector may have slept) to the switch, indexes included; events before that page do not count.
 */
const rebuild = async (): Promise<Loaded> => {
  const head = await projected();
  await engine.readSide.rebuild('accounts');
  let first = await buildingTable();
  while (first === undefined || first.position === 0) {
    await sleep(5);
    first = await buildingTable();
    if (first === undefined) throw new Error('the rebuild ended within its first page: too few events');
  }
  const begun = performance.now();
  const cpuBefore = process.cpuUsage();
  while ((await buildingTable()) !== undefined) await sleep(10);
  const cpu = process.cpuUsage(cpuBefore);
  return {
    operations: head - first.position,
    seconds: (performance.now() - begun) / 1_000,
    cpuMicros: cpu.user + cpu.system,
  };
};

interface History {
  readonly prefix: string;
  readonly accounts: number;
  readonly eventsEach: number;
  readonly personal: boolean;
}

/** Of an account's later events every other one holds a personal field, if any shall. */
const laterEvent = (accountId: string, base: number, personal: boolean) =>
  personal && base % 2 === 1
    ? { type: 'AccountSuspended', data: { accountId, reason: `because of ${base}` } }
    : { type: 'PlanChanged', data: { accountId, plan: `plan-${base}` } };

/** Accounts that were opened and then changed again and again: a log to rebuild from. */
const history = async ({ prefix, accounts, eventsEach, personal }: History): Promise<void> => {
  await openAccounts({ prefix, count: accounts, personal });
  for (let base = 1; base < eventsEach; base++) {
    let next = 0;
    const loop = async (client: number): Promise<void> => {
      for (let n = next++; n < accounts; n = next++) {
        const accountId = `${prefix}${n}`;
        const event = laterEvent(accountId, base, personal);
        const metadata = metadataOf(client, n, personal ? 'reason' : 'session');
        await engine.log.append(unitOf(`account-${accountId}`, base, event.type, event.data, metadata));
      }
    };
    await Promise.all(Array.from({ length: 500 }, (_, client) => loop(client)));
  }
};

/** From the moment that an event was recorded to the signature of the first checkpoint that covers it. */
const sealingLag = async (): Promise<{ p50: number; p99: number; unsealed: number }> => {
  for (let tries = 0; tries < 100; tries++) {
    const { head, sealed } = await engine.transparency.health();
    if (sealed >= head) break;
    await sleep(100);
  }
  const { head, sealed } = await engine.transparency.health();
  const { rows } = await pool.query<{ p50: number; p99: number }>(`
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY lag) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY lag) AS p99
    FROM (
      SELECT 1000 * extract(epoch FROM c.signed_at - e.recorded_at)::float8 AS lag
      FROM events e, LATERAL (
        SELECT signed_at FROM log_checkpoints c WHERE c.size >= e.position ORDER BY c.size LIMIT 1
      ) c WHERE e.position > 6400
    ) lags`);
  return { p50: rows[0]?.p50 ?? Number.NaN, p99: rows[0]?.p99 ?? Number.NaN, unsealed: head - sealed };
};

serveTasks(
  {
    sealingLag,
    open,
    openAccounts,
    append,
    openUnderLoad,
    paced: appendPaced,
    oneStream,
    projected,
    rebuild,
    history,
  },
  close,
);
