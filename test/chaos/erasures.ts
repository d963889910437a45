/**
 * Somebody to erase, and what is left of them: over HTTP, in every table, and in the mirror. An erasure is not
 * begun, or it is done to the end.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { everyTable } from '../compliance/testbed.ts';
import type { Answered } from '../contract/running.ts';
import { until } from '../setup/until.ts';
import type { Installation } from './installation.ts';

const notes = 40;

export interface Victim {
  readonly accountId: string;
  readonly subject: string;
  /** In the clear in read models before, and nowhere after. */
  readonly plaintexts: readonly string[];
}

const plan = {
  plan: 'DSL',
  contract: 'one-year',
  tenureMonths: 3,
  monthlyCharges: '1.00',
  totalCharges: '3.00',
};

/** An account with a name, an address and notes, and an upload that names it: one kind of copy each. */
export const openVictim = async (installed: Installation, name: string): Promise<Victim> => {
  const accountId = `victim-${name}`;
  const [person, ownerEmail, text] = [
    `Zoe Quibble ${name}.`,
    `zoe-${name}@victim.example`,
    `Xerxes ${name}.`,
  ];
  const path = (command: string) => `/internal/v1/commands/${command}`;
  const done = async (asked: Promise<Answered>, status: number): Promise<Answered> => {
    const answer = await asked;
    if (answer.status !== status) throw new Error(`${answer.status} ${answer.text}`);
    return answer;
  };
  const open = { ...plan, accountId, name: person, ownerEmail };
  await done(installed.ask('admin', { path: path('open-account'), body: open }), 200);
  for (let n = 0; n < notes; n++) {
    const note = { noteId: `${accountId}-${n}`, accountId, text };
    await done(installed.ask('admin', { path: path('add-note'), body: note }), 200);
  }
  const upload = await done(
    installed.ask('ops', {
      path: '/internal/v1/bulk-jobs?command=correct-account',
      headers: { 'content-type': 'application/x-ndjson' },
      body: JSON.stringify({ accountId, ownerEmail: `also-${ownerEmail}` }),
    }),
    202,
  );
  const job = async () =>
    (await installed.ask('ops', { path: `/internal/v1/bulk-jobs/${upload.body.id}` })).body;
  await until(async () => (await job()).finishedAt !== null);
  const minPosition = { 'quarterdeck-min-position': String((await job()).position) };
  for (const rows of [`accounts/${accountId}`, `notes?accountId=${accountId}`])
    await done(installed.ask('admin', { path: `/internal/v1/${rows}`, headers: minPosition }), 200);
  return { accountId, subject: `account-${accountId}`, plaintexts: [person, ownerEmail, text] };
};

export const erase = (installed: Installation, { subject }: Victim): Promise<Answered> =>
  installed.ask('compliance', {
    path: '/internal/v1/commands/erase-subject',
    body: { subject, basis: 'gdpr-art-17-1-a' },
    headers: { 'quarterdeck-reason': 'Chaos.' },
  });

/** Names of the tombstones in a mirror, whole files alone. */
export const tombstonesIn = async (mirror: string): Promise<readonly string[]> => {
  const names = await readdir(path.join(mirror, 'erasures'), { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith('.json') && !name.includes('.unfinished'));
};

export interface Remains {
  /** Types of the events on the erasure's stream. */
  readonly said: readonly string[];
  readonly hasKey: boolean;
  /** When the end of scrubbing was recorded, ISO 8601; null: it is not done. */
  readonly scrubbedAt: string | null;
}

/** What the database knows of an erasure. */
export const remainsOf = async (installed: Installation, { subject }: Victim): Promise<Remains> => {
  const client = new pg.Client(await installed.superuserUrl());
  await client.connect();
  try {
    const { rows } = await client.query<Remains>(
      `SELECT (SELECT coalesce(json_agg(type ORDER BY version), '[]') FROM events WHERE stream = 'erasure-' || $1) AS said,
         EXISTS (SELECT FROM subject_keys WHERE subject = $1 AND wrapped IS NOT NULL) AS "hasKey",
         (SELECT to_json(recorded_at) #>> '{}' FROM events
           WHERE stream = 'erasure-' || $1 AND type = 'SubjectScrubbed') AS "scrubbedAt"`,
      [subject],
    );
    return rows[0] as Remains;
  } finally {
    await client.end();
  }
};

/** Tables that hold something of the victim's in the clear, or sealed where an erasure empties it. */
const tablesWith = async (installed: Installation, victim: Victim): Promise<readonly string[]> => {
  const told = [...victim.plaintexts, `{"$personal":"${victim.subject}","sealed":"`];
  const tables = await everyTable({ superuserUrl: await installed.superuserUrl() });
  // The log keeps what was sealed, under a key that is gone.
  const isLog = (table: string) => /^events(_|$)/.test(table);
  return [...tables]
    .filter(([table, text]) =>
      told.slice(0, isLog(table) ? 3 : 4).some((one) => text.replaceAll(', ', ',').includes(one)),
    )
    .map(([table]) => table);
};

/** Of what was not begun nothing is gone. */
export const expectUntouched = async (installed: Installation, victim: Victim): Promise<void> => {
  expect(await remainsOf(installed, victim)).toEqual({ said: [], hasKey: true, scrubbedAt: null });
  const row = await installed.insist('admin', { path: `/internal/v1/accounts/${victim.accountId}` });
  expect(row.body.data).toMatchObject({ name: victim.plaintexts[0] });
};

/** `first`: what the erasure stands in the log as. */
export const expectErased = async (
  installed: Installation,
  victim: Victim,
  first: readonly string[],
): Promise<void> => {
  await until(async () => (await remainsOf(installed, victim)).scrubbedAt !== null);
  const { said, hasKey } = await remainsOf(installed, victim);
  expect({ first: first.includes(said[0] ?? ''), said, hasKey }).toEqual({
    first: true,
    said: [said[0], 'SubjectScrubbed'],
    hasKey: false,
  });
  expect(await tablesWith(installed, victim)).toEqual([]);
  const replay = await installed.insist('compliance', {
    path: `/internal/v1/audit/replay/${victim.subject}`,
  });
  expect(replay.text).toContain('[erased]');
  for (const plaintext of victim.plaintexts) expect(replay.text).not.toContain(plaintext);
  expect(await erase(installed, victim)).toMatchObject({ status: 200, body: { events: [] } });
};
