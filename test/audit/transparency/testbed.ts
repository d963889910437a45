/** A log that is sealed, on a cloned database, and ways to tamper with it as a superuser does. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { everyRow } from '../../../src/access/principal.ts';
import type { Replayable } from '../../../src/audit/replay.ts';
import type { SealerPaces } from '../../../src/audit/transparency/sealer.ts';
import { createTransparency, type Transparency } from '../../../src/audit/transparency/transparency.ts';
import { ownHand } from '../../../src/audit/verify/hands.ts';
import type { Verdict } from '../../../src/audit/verify/verdict.ts';
import { verify } from '../../../src/audit/verify/verify.ts';
import type { ArchivedEvents } from '../../../src/events/archived.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { TestDatabase } from '../../setup/database.ts';
import { until } from '../../setup/until.ts';
import { type Audited, auditor, openAudit } from '../testbed.ts';

export const origin = { principal: auditor, correlationId: crypto.randomUUID() };

export interface Sealed extends Audited {
  readonly transparency: Transparency;
  readonly mirrorDir: string;
  readonly errors: unknown[];
  /** Resolves when everything appended so far is sealed. */
  sealed(): Promise<void>;
  /** The text of a provable export. */
  exported(body?: object): Promise<string>;
  vkeys(): Promise<readonly string[]>;
  /** What the offline verifier says of a text. */
  verdict(
    text: string,
    more?: { earlier?: string; csv?: string; vkeys?: readonly string[] },
  ): Promise<Verdict>;
  /** A new process with the same log, perhaps with another key. */
  again(signingKey?: Buffer, paces?: SealerPaces): Promise<void>;
  close(): Promise<void>;
}

export const newSigningKey = (): Buffer => randomBytes(32);

interface Archive {
  readonly archived?: ArchivedEvents;
  readonly streams?: readonly Replayable[];
}

export const openSealed = async (
  db: TestDatabase,
  signingKey = newSigningKey(),
  { archived, streams = [] }: Archive = {},
): Promise<Sealed> => {
  let audited = await openAudit(db.app, archived);
  const mirrorDir = await mkdtemp(join(tmpdir(), 'quarterdeck-mirror-'));
  const mirror = await openStorage(mirrorDir);
  const errors: unknown[] = [];
  const open = (key: Buffer, paces?: SealerPaces): Promise<Transparency> =>
    createTransparency({
      pool: db.app,
      archived,
      streams,
      log: audited.log,
      known: audited.known,
      signingKey: key,
      environment: 'test',
      mirror,
      leaderUrl: db.applicationUrl,
      clock: () => new Date().toISOString().replace('Z', '000Z'),
      newId: () => crypto.randomUUID(),
      onError: (error) => errors.push(error),
      logLine: () => undefined,
      ...(paces === undefined ? {} : { paces }),
    });
  let transparency = await open(signingKey);
  transparency.start();

  const sealed = (): Promise<void> =>
    until(async () => {
      const { head, sealed: size } = await transparency.health();
      return size >= head && head > 0;
    });
  const exported = async (body: object = {}): Promise<string> => {
    const { lines } = await transparency.exports.open({ ...origin, body: body as Record<string, unknown> });
    return textOf(lines);
  };
  return {
    get log() {
      return audited.log;
    },
    get audit() {
      return audited.audit;
    },
    get index() {
      return audited.index;
    },
    get known() {
      return audited.known;
    },
    write: (...what) => audited.write(...what),
    whole: () => audited.whole(),
    get transparency() {
      return transparency;
    },
    mirrorDir,
    errors,
    sealed,
    exported,
    vkeys: () => transparency.vkeys(),
    verdict: async (text, more = {}) =>
      verify(
        {
          source: chunksOf(text),
          vkeys: more.vkeys ?? (await transparency.vkeys()),
          ...(more.earlier === undefined ? {} : { earlier: more.earlier }),
          ...(more.csv === undefined ? {} : { csv: chunksOf(more.csv) }),
        },
        ownHand,
      ),
    async again(key = signingKey, paces) {
      await transparency.stop();
      await audited.log.stop();
      audited = await openAudit(db.app, archived);
      transparency = await open(key, paces);
      transparency.start();
    },
    async close() {
      await transparency.stop();
      await audited.log.stop();
      mirror.close();
      await rm(mirrorDir, { recursive: true, force: true });
    },
  };
};

export const everything = everyRow;

export const textOf = async (lines: AsyncIterable<string>): Promise<string> => {
  let text = '';
  for await (const line of lines) text += line;
  return text;
};

/** In pieces that end anywhere. */
async function* chunksOf(text: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777);
}

/** What somebody does who owns the machine: triggers off, then whatever they like. */
export const tamper = async (
  { superuserUrl, name }: TestDatabase,
  ...statements: string[]
): Promise<void> => {
  const url = new URL(superuserUrl);
  url.pathname = name;
  const client = new pg.Client(url.href);
  await client.connect();
  try {
    await client.query("SET session_replication_role = 'replica'");
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
};
