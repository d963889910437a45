/**
 * Exports of 1,000,000 accounts from `node dist/main.js`, from asking over HTTP to a file that is complete: reading
 * the read model's copy by pages, formatting, hashing, encrypting and writing to disk. Fourteen fields a row, one of
 * them about a person. Resident memory of the service meanwhile is told against just before. The rows are put
 * straight into the read model: opening so many accounts is what other benches measure.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '#engine/db/pool';
import type { Bench, BenchContext } from './bench.ts';
import { type Claim, interleave, type Loaded, rateOf, type Series } from './measure.ts';
import { type Api, apiOf, type Service, startService } from './service.ts';

const rows = 1_000_000;
const roundsMax = 3;
const mebibyte = 2 ** 20;
const formats = ['ndjson', 'csv', 'xlsx'] as const;
const fields = [
  ...['accountId', 'name', 'status', 'plan', 'contract', 'tenureMonths', 'monthlyCharges', 'totalCharges'],
  ...['currency', 'region', 'openedAt', 'changedAt', 'paymentMethod', 'ownerEmail'],
];

interface ExportView {
  readonly id: string;
  readonly state: string;
  readonly rows: number;
  readonly bytes: number;
}

const fill = async (url: string): Promise<void> => {
  const pool = createPool({ url, max: 1, onError: () => undefined });
  const live = `SELECT table_name AS name FROM projections WHERE name = 'accounts' AND state = 'live'`;
  const { rows: found } = await pool.query<{ name: string }>(live);
  await pool.query(`INSERT INTO read_models."${found[0]?.name}"
      ("accountId", status, plan, contract, "tenureMonths", "monthlyCharges", "totalCharges", currency, "openedAt",
        "changedAt", flags, name, region, _version, _position, _subject)
    SELECT 'account-' || lpad(n::text, 8, '0'), 'active', 'Fiber optic', 'month-to-month', n % 72, 29.85, 358.20,
      'USD', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', '{}', 'Ada Lovelace ' || n, 'EMEA', 1, 1,
      'account-' || n
    FROM generate_series(1, ${rows}) AS n`);
  await pool.end();
};

const carryOut = async (api: Api, service: Service, growth: number[], format: string): Promise<Loaded> => {
  const cpuBefore = await service.cpuMicros();
  const before = await service.residentBytes();
  let most = before;
  const watching = setInterval(async () => {
    most = Math.max(most, await service.residentBytes());
  }, 50);
  const begun = performance.now();
  const asked = { query: 'accounts', format, fields };
  let made = (await api.post('/internal/v1/exports', asked)) as ExportView;
  while (made.state === 'accepted' || made.state === 'running') {
    await sleep(50);
    made = (await api.get(`/internal/v1/exports/${made.id}`)) as ExportView;
  }
  const seconds = (performance.now() - begun) / 1_000;
  const cpuMicros = (await service.cpuMicros()) - cpuBefore;
  clearInterval(watching);
  growth.push((most - before) / mebibyte);
  if (made.state !== 'completed' || made.rows !== rows) throw new Error(JSON.stringify(made));
  return { operations: rows, seconds, cpuMicros };
};

const run = async ({ server, rounds, say }: BenchContext) => {
  const place = await server.product('export');
  const service = await startService(place);
  try {
    const api = await apiOf(service.url, 'admin@dev.test');
    await fill(place.applicationUrl);
    const growth = new Map<string, number[]>(formats.map((format) => [format, []]));
    const sides = formats.map((format) => ({
      name: format,
      run: () => carryOut(api, service, growth.get(format) ?? [], format),
    }));
    const counted = { rounds: Math.min(rounds, roundsMax), warmups: 0, unit: 'rows/s' };
    const series = await interleave(sides, { ...counted, postgresCpu: server.cpuMicros, say });
    return { settings: { rows, fields: fields.length }, series, claims: claimsOf(series, growth) };
  } finally {
    await service.stop();
  }
};

const claimsOf = (series: readonly Series[], growth: ReadonlyMap<string, readonly number[]>): Claim[] => [
  ...['ndjson', 'csv'].map((name) => ({
    what: `${name}, rows a second`,
    value: rateOf(series, name),
    unit: 'rows/s',
    atLeast: 30_000,
  })),
  ...formats.map((name) => ({
    what: `growth of resident memory, ${name}`,
    value: Math.max(...(growth.get(name) ?? [])),
    unit: 'MiB',
    atMost: 60,
  })),
];

export const exporting: Bench = { name: 'export', shows: 'files of 1,000,000 rows', run };
