/**
 * What the audit index might have been: arrays of tokens under GIN, in partitions of 250,000 positions that are
 * asked one after the other until a page is full; and one b-tree a column. Over the first million events of the
 * same log, so that building them does not take longer than all the rest.
 */
import type pg from 'pg';

export interface PeerFigures {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

const events = 1_000_000;
const partition = 250_000;
const searchesEach = 20;

const values = `metadata -> 'actor' ->> 'id' AS actor, type, metadata ->> 'tool' AS tool, metadata ->> 'command' AS command,
  stream, metadata ->> 'correlationId' AS correlation, metadata ->> 'commandId' AS execution,
  metadata ->> 'sessionId' AS session, metadata ->> 'bulkJobId' AS job`;
const columns = [
  'actor',
  'type',
  'tool',
  'command',
  'stream',
  'correlation',
  'execution',
  'session',
  'job',
] as const;

type Question = Partial<Record<(typeof columns)[number], string>>;

const questions: Readonly<Record<string, Question>> = {
  'type, in a fifth of the log': { type: 'InvoiceSettled' },
  'type + tool that never meet': { type: 'InvoiceSettled', tool: 'console' },
  'actor + type': { actor: 'person:0000000000000003', type: 'AccountSuspended' },
  'stream, a few events': { stream: 'account-4711' },
};

const make = async (owner: pg.Pool): Promise<void> => {
  await owner.query(
    `CREATE TABLE peer_btree AS SELECT position, ${values} FROM events WHERE position <= ${events}`,
  );
  for (const column of columns) await owner.query(`CREATE INDEX ON peer_btree (${column}, position)`);
  for (let n = 0; n < events / partition; n++) {
    const token = (column: string): string => `hashtext('${column}=' || ${column})`;
    await owner.query(`CREATE TABLE peer_gin_${n} AS SELECT position,
      array_remove(ARRAY[${columns.map(token).join(', ')}], NULL) AS tokens FROM peer_btree
      WHERE position > ${n * partition} AND position <= ${(n + 1) * partition}`);
    await owner.query(`CREATE INDEX ON peer_gin_${n} USING gin (tokens)`);
    await owner.query(`CREATE INDEX ON peer_gin_${n} (position)`);
  }
  await owner.query('VACUUM ANALYZE');
};

const byGin = async (owner: pg.Pool, question: Question): Promise<void> => {
  const tokens = Object.entries(question).map(([column, value]) => `hashtext('${column}=${value}')`);
  let found = 0;
  for (let n = 0; n < events / partition && found < 101; n++) {
    const { rowCount } = await owner.query(`SELECT position FROM peer_gin_${n}
      WHERE tokens @> ARRAY[${tokens.join(', ')}] ORDER BY position LIMIT ${101 - found}`);
    found += rowCount ?? 0;
  }
};

const byBtree = async (owner: pg.Pool, question: Question): Promise<void> => {
  const conditions = Object.entries(question).map(([column, value]) => `${column} = '${value}'`);
  await owner.query(
    `SELECT position FROM peer_btree WHERE ${conditions.join(' AND ')} ORDER BY position LIMIT 101`,
  );
};

const figuresOf = async (ask: () => Promise<void>): Promise<PeerFigures> => {
  const tookMs: number[] = [];
  for (let n = -3; n < searchesEach; n++) {
    const start = performance.now();
    await ask();
    if (n >= 0) tookMs.push(performance.now() - start);
  }
  tookMs.sort((a, b) => a - b);
  const at = (part: number): number => tookMs[Math.floor(part * tookMs.length)] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95) };
};

export const peersOf = async (
  owner: pg.Pool,
  say: (line: string) => void,
): Promise<Readonly<Record<string, PeerFigures>>> => {
  await make(owner);
  const measured: Record<string, PeerFigures> = {};
  for (const [name, question] of Object.entries(questions)) {
    measured[`GIN: ${name}`] = await figuresOf(() => byGin(owner, question));
    measured[`b-trees: ${name}`] = await figuresOf(() => byBtree(owner, question));
  }
  for (const [name, { p50Ms, p95Ms }] of Object.entries(measured))
    say(`${name}: p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms, over a million events`);
  return measured;
};
