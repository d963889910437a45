/**
 * A log of millions of events for `audit-search`, written by the set: the types, tools and people of a year, a few
 * people with most of the work, bulk jobs in long runs, reasons on a tenth of the events, sealed as the log seals them.
 */
import type pg from 'pg';
import type { Codec } from '#engine/events/codec';

/** Types, with their part of the log in thousandths, the command behind them and whose tool it is. */
const mix = [
  ['InvoiceRaised', 240, 'raise-invoice', 'invoice', 'importer'],
  ['InvoiceSettled', 200, 'settle-invoice', 'invoice', 'importer'],
  ['AccountOpened', 120, 'open-account', 'account', 'importer'],
  ['PlanChanged', 120, 'change-plan', 'account', 'console'],
  ['AccountFlagSet', 100, 'set-account-flag', 'account', 'console'],
  ['NoteAdded', 80, 'add-note', 'note', 'support-desk'],
  ['AccountSuspended', 50, 'suspend-account', 'account', 'console'],
  ['CreditIssued', 30, 'issue-credit', 'credit', 'back-office'],
  ['CommandRefused', 20, 'suspend-account', '$commands', 'console'],
  ['CommandUnchanged', 15, 'change-plan', '$commands', 'console'],
  ['SignedIn', 15, null, '$access', 'console'],
  ['FieldsRead', 9, null, '$reads', 'console'],
  ['AccessDenied', 1, null, '$access', 'back-office'],
] as const;

export const people = 200;
export const accounts = 400_000;
/** A run of positions of which a bulk job made every event of the areas. */
export const jobEvery = 250_000;
export const jobEvents = 100_000;

const words = [
  ...[
    'refund',
    'agreed',
    'customer',
    'called',
    'duplicate',
    'invoice',
    'unpaid',
    'review',
    'fraud',
    'request',
  ],
  ...['migration', 'goodwill', 'outage', 'legal', 'wrong', 'plan', 'moved', 'chargeback', 'audit', 'error'],
];

export const personOf = (n: number): string => `person:${n.toString(16).padStart(16, '0')}`;

/** So many distinct reasons of each person, each with a ticket of its own. */
const reasonsEach = 20;

export const reasonOf = (person: number, n: number): string => {
  const at = person * 7 + n * 3;
  const said = [0, 1, 4, 9].map((step) => words[(at + step) % words.length]);
  return `${said.join(' ')}, ticket T-${person}-${n}`;
};

const sealReasons = async (owner: pg.Pool, codec: Codec): Promise<void> => {
  const items = Array.from({ length: people * reasonsEach }, (_, at) => {
    const person = Math.floor(at / reasonsEach);
    return {
      subject: personOf(person),
      context: 'metadata',
      fields: ['personal'],
      data: { personal: { email: `p${person}@example.test`, reason: reasonOf(person, at % reasonsEach) } },
    };
  });
  const sealed = await codec.encryptFields(items);
  await owner.query('CREATE TABLE bench_reasons (person int, n int, sealed json, PRIMARY KEY (person, n))');
  await owner.query(
    `INSERT INTO bench_reasons SELECT (at - 1) / $2, (at - 1) % $2, sealed::json
     FROM unnest($1::text[]) WITH ORDINALITY AS t (sealed, at)`,
    [sealed.map(({ personal }) => JSON.stringify(personal)), reasonsEach],
  );
};

const spreadMix = async (owner: pg.Pool): Promise<void> => {
  const rows = mix.flatMap((one) => Array.from({ length: one[1] }, () => one));
  await owner.query(
    'CREATE TABLE bench_mix (n int PRIMARY KEY, type text, command text, prefix text, tool text)',
  );
  await owner.query(
    `INSERT INTO bench_mix SELECT n - 1, type, command, prefix, tool
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS t (type, command, prefix, tool, n)`,
    [1, 2, 3, 4].map((column) => rows.map((row) => row[column === 1 ? 0 : column])),
  );
};

/**
 * $1 first and $2 last position. Chance is a hash of the position, so that every run makes the same log: `h` picks
 * the type, `a` the account, `u` the person, few of whom do most.
 */
const write = `
  INSERT INTO events (position, id, stream, version, type, schema_version, data, metadata, recorded_at)
  SELECT p, gen_random_uuid(), CASE WHEN m.prefix LIKE '$%' THEN m.prefix ELSE m.prefix || '-' || id END, 1 + p / 400000,
    m.type, 1,
    CASE m.type
      WHEN 'CommandRefused' THEN json_build_object('command', m.command, 'code', CASE WHEN a % 3 = 0 THEN 'version_conflict'
        ELSE 'rejected' END, 'rejection', 'account_closed', 'stream', 'account-' || a, 'size', 80)
      WHEN 'CommandUnchanged' THEN json_build_object('command', m.command, 'stream', 'account-' || a, 'version', 3)
      WHEN 'FieldsRead' THEN json_build_object('projection', 'accounts', 'fields', json_build_array('ownerEmail'),
        'count', 20, 'keys', (SELECT json_agg((a + k * 997) % ${accounts}) FROM generate_series(0, 19) AS k))
      WHEN 'SignedIn' THEN json_build_object('provider', 'okta', 'roles', json_build_array('ops'))
      WHEN 'AccessDenied' THEN json_build_object('code', 'not_permitted', 'path', '/internal/v1/accounts')
      ELSE json_build_object('accountId', a::text, m.prefix || 'Id', id, 'plan', 'fibre', 'amount', p % 10000)
    END,
    (CASE WHEN r.sealed IS NULL THEN t.own ELSE left(t.own, -1) || ',"personal":' || r.sealed || '}' END)::json,
    timestamptz '2026-01-01' + p * interval '5 seconds'
  FROM generate_series($1::bigint, $2::bigint) AS p
  CROSS JOIN LATERAL (SELECT abs(hashint8extended(p, 1)) % 1000 AS h, abs(hashint8extended(p, 2)) % ${accounts} AS a,
    abs(hashint8extended(p, 3)) AS u) c
  JOIN bench_mix m ON m.n = c.h
  CROSS JOIN LATERAL (SELECT CASE m.prefix WHEN 'account' THEN a::text ELSE p::text END AS id,
    m.prefix NOT LIKE '$%' AND p % ${jobEvery} < ${jobEvents} AS of_job,
    (power((u % 1000000) / 1000000.0, 3) * ${people})::int % ${people} AS person) d
  LEFT JOIN bench_reasons r ON u % 10 = 0 AND r.person = d.person AND r.n = (u / 10) % ${reasonsEach}
  CROSS JOIN LATERAL (SELECT json_strip_nulls(json_build_object(
    'actor', json_build_object('id', 'person:' || lpad(to_hex(d.person), 16, '0'), 'kind', 'person'),
    'tool', m.tool, 'sessionId', 's-' || d.person || '-' || p / 20000, 'command', m.command,
    'correlationId', md5((CASE WHEN of_job THEN p / 500 ELSE p END)::text), 'decidedAt', '2026-01-01T00:00:00.000000Z',
    'bulkJobId', CASE WHEN of_job THEN 'job-' || p / ${jobEvery} END, 'commandId', md5('c' || p)))::text AS own) t`;

const together = 250_000;

export const writeLog = async (
  owner: pg.Pool,
  codec: Codec,
  events: number,
  say: (line: string) => void,
): Promise<void> => {
  await owner.query(`SELECT ensure_event_partitions($1)`, [Math.ceil(events / 2_000_000) + 1]);
  await sealReasons(owner, codec);
  await spreadMix(owner);
  for (let from = 0; from < events; from += together) {
    await owner.query(write, [from + 1, Math.min(from + together, events)]);
    say(`${Math.min(from + together, events).toLocaleString('en')} events are written`);
  }
  await owner.query('VACUUM ANALYZE events');
};
