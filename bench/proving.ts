/**
 * Provable exports and their verification, on events that the service wrote itself (accounts opened by an
 * upload, then suspended and reactivated in bulk): over HTTP to a file, and by `quarterdeck verify` from the
 * file, with one thread and with two. Resident memory of the service is told against just before.
 */
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Bench, BenchContext } from './bench.ts';
import { interleave, type Loaded, rateOf, type Side } from './measure.ts';
import {
  type Api,
  apiOf,
  ended,
  type JobView,
  type Service,
  startService,
  uploadAccounts,
} from './service.ts';

const accounts = 50_000;
const changes = 4;
const roundsMax = 5;
const mebibyte = 2 ** 20;

const download = (api: Api, body: object, file: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = { cookie: api.cookie, origin: api.url, 'content-type': 'application/json' };
    const url = new URL('/internal/v1/audit/exports', api.url);
    const request = httpRequest(url, { method: 'POST', headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`the export answered ${response.statusCode}`));
      else pipeline(response, createWriteStream(file)).then(resolve, reject);
    });
    request.once('error', reject);
    request.end(JSON.stringify(body));
  });

/** Lines between head and end. */
const eventsIn = async (file: string): Promise<number> => {
  const tail = (await readFile(file)).subarray(-200).toString('utf8');
  return Number(/"events":(\d+)/.exec(tail.slice(tail.lastIndexOf('{"end"')))?.[1]);
};

const exporting =
  (api: Api, service: Service, growth: number[], body: object, file: string) => async (): Promise<Loaded> => {
    const cpuBefore = await service.cpuMicros();
    const before = await service.residentBytes();
    let most = before;
    const watching = setInterval(async () => {
      most = Math.max(most, await service.residentBytes());
    }, 50);
    const begun = performance.now();
    await download(api, body, file);
    const seconds = (performance.now() - begun) / 1_000;
    clearInterval(watching);
    growth.push((most - before) / mebibyte);
    const cpuMicros = (await service.cpuMicros()) - cpuBefore;
    return { operations: await eventsIn(file), seconds, cpuMicros };
  };

const verifying = (file: string, key: string, threads: number) => async (): Promise<Loaded> => {
  const events = await eventsIn(file);
  const words = ['dist/main.js', 'verify', file, '--key', key, '--threads', String(threads)];
  const begun = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, words);
  const seconds = (performance.now() - begun) / 1_000;
  if (!stdout.startsWith('intact')) throw new Error(stdout);
  return { operations: events, seconds, cpuMicros: 0 };
};

const fill = async (url: string): Promise<void> => {
  const ops = await apiOf(url, 'ops@dev.test');
  await uploadAccounts(ops, 'a', accounts);
  for (let n = 0; n < changes; n++) {
    const [command, status] =
      n % 2 === 0 ? ['suspend-account', 'active'] : ['reactivate-account', 'suspended'];
    const { id } = await ops.post<JobView>('/internal/v1/bulk-jobs', {
      command,
      input: n % 2 === 0 ? { reason: 'review' } : {},
      where: { status },
    });
    await ended(ops, id);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
};

const run = async ({ server, rounds, say }: BenchContext) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'quarterdeck-bench-proving-'));
  const service = await startService(await server.product('proving'));
  try {
    await fill(service.url);
    const auditor = await apiOf(service.url, 'compliance@dev.test');
    const key = path.join(folder, 'vkey');
    const vkey = await fetch(new URL('/internal/v1/audit/vkey', service.url), {
      headers: { cookie: auditor.cookie },
    });
    await writeFile(key, await vkey.text());
    const stored = path.join(folder, 'stored.ndjson');
    const readable = path.join(folder, 'readable.ndjson');
    const growth: number[] = [];
    const sides: Side[] = [
      { name: 'export, stored form', run: exporting(auditor, service, growth, {}, stored) },
      {
        name: 'export, with the readable form',
        run: exporting(auditor, service, growth, { readable: true }, readable),
      },
      { name: 'verify, one thread', run: verifying(stored, key, 1) },
      { name: 'verify, two threads', run: verifying(stored, key, 2) },
    ];
    const counted = { rounds: Math.min(rounds, roundsMax), unit: 'events/s' };
    const series = await interleave(sides, { ...counted, postgresCpu: server.cpuMicros, say });
    const one = rateOf(series, 'verify, one thread');
    return {
      settings: { events: await eventsIn(stored), bytes: (await stat(stored)).size },
      series,
      claims: [
        {
          what: 'export, stored form',
          value: rateOf(series, 'export, stored form'),
          unit: 'events/s',
          atLeast: 80_000,
        },
        {
          what: 'export, with the readable form',
          value: rateOf(series, 'export, with the readable form'),
          unit: 'events/s',
          atLeast: 50_000,
        },
        { what: 'growth of resident memory', value: Math.max(...growth), unit: 'MiB', atMost: 60 },
        { what: 'verifying, one thread', value: one, unit: 'events/s', atLeast: 50_000 },
        {
          what: 'verifying, two threads',
          value: rateOf(series, 'verify, two threads'),
          unit: 'events/s',
          atLeast: 100_000,
        },
      ],
    };
  } finally {
    await service.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

export const proving: Bench = { name: 'proving', shows: 'provable exports and their verification', run };
