/**
 * Uploads of 1,000,000 rows over HTTP to `node dist/main.js`, from their first byte to the answer that the
 * job is accepted: the telco file's 21 columns, its rows repeated with ids of their own, seven of them mapped
 * to `open-account`. The rows are written to a file beforehand; what sends it is this process. Resident
 * memory of the service meanwhile is told against just before; what was accepted is cancelled.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Bench, BenchContext } from './bench.ts';
import { type Claim, interleave, type Loaded, rateOf, type Series } from './measure.ts';
import { type Api, apiOf, type JobView, type Service, startService } from './service.ts';
import { mapOfCustomers, namesOfColumns, writeCustomersCsv, writeCustomersNdjson } from './telco.ts';
import { writeCustomersWorkbook } from './telco-workbook.ts';

const rows = 1_000_000;
const roundsMax = 3;
const mebibyte = 2 ** 20;

interface Upload {
  readonly file: string;
  readonly type: string;
  readonly query: Readonly<Record<string, string>>;
}

/** Not `fetch`: a stream that it sends takes more of the machine than the service that is measured. */
const send = async (api: Api, { file, type, query }: Upload): Promise<JobView> => {
  const url = new URL('/internal/v1/bulk-jobs', api.url);
  for (const [name, value] of Object.entries({ command: 'open-account', ...query })) {
    url.searchParams.set(name, value);
  }
  const { size } = await stat(file);
  const headers = { cookie: api.cookie, origin: api.url, 'content-type': type, 'content-length': size };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers }, async (response) => {
      let text = '';
      for await (const bytes of response.setEncoding('utf8')) text += bytes;
      if (response.statusCode === 202) resolve(JSON.parse(text) as JobView);
      else reject(new Error(`the upload was answered ${response.statusCode}: ${text}`));
    });
    request.once('error', reject);
    createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(request);
  });
};

const accept = async (api: Api, service: Service, growth: number[], upload: Upload): Promise<Loaded> => {
  const cpuBefore = await service.cpuMicros();
  const before = await service.residentBytes();
  let most = before;
  const watching = setInterval(async () => {
    most = Math.max(most, await service.residentBytes());
  }, 50);
  const begun = performance.now();
  const job = await send(api, upload);
  const seconds = (performance.now() - begun) / 1_000;
  const cpuMicros = (await service.cpuMicros()) - cpuBefore;
  clearInterval(watching);
  growth.push((most - before) / mebibyte);
  if (job.total !== rows) throw new Error(`${job.total} rows were accepted`);
  await api.post(`/internal/v1/bulk-jobs/${job.id}/cancel`, {});
  return { operations: rows, seconds, cpuMicros };
};

const map = { map: JSON.stringify(mapOfCustomers) };

/** By the name of a side: its type, what is asked, and what writes its file. */
const kinds = {
  CSV: { type: 'text/csv', query: map, write: writeCustomersCsv },
  NDJSON: { type: 'application/x-ndjson', query: {}, write: writeCustomersNdjson },
  xlsx: {
    type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    query: map,
    write: writeCustomersWorkbook,
  },
};

const run = async ({ server, rounds, say }: BenchContext) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'quarterdeck-bench-upload-'));
  const service = await startService(await server.product('upload'));
  try {
    const api = await apiOf(service.url, 'ops@dev.test');
    const growth = new Map<string, number[]>();
    const sides = [];
    for (const [name, { type, query, write }] of Object.entries(kinds)) {
      const file = path.join(folder, name);
      await write(file, rows);
      const grown: number[] = [];
      growth.set(name, grown);
      sides.push({ name, run: () => accept(api, service, grown, { file, type, query }) });
    }
    const counted = { rounds: Math.min(rounds, roundsMax), warmups: 0, unit: 'rows/s' };
    const series = await interleave(sides, { ...counted, postgresCpu: server.cpuMicros, say });
    const claims = claimsOf(series, growth);
    return { settings: { rows, columns: namesOfColumns.length, mapped: 7 }, series, claims };
  } finally {
    await service.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

const claimsOf = (series: readonly Series[], growth: ReadonlyMap<string, readonly number[]>): Claim[] => [
  { what: 'CSV, rows a second', value: rateOf(series, 'CSV'), unit: 'rows/s', atLeast: 35_000 },
  {
    what: 'growth of resident memory, CSV',
    value: Math.max(...(growth.get('CSV') ?? [])),
    unit: 'MiB',
    atMost: 150,
  },
  ...['NDJSON', 'xlsx'].map((name) => ({
    what: `growth of resident memory, ${name}`,
    value: Math.max(...(growth.get(name) ?? [])),
    unit: 'MiB',
  })),
];

export const upload: Bench = { name: 'upload', shows: 'accepting uploads of 1,000,000 rows', run };
