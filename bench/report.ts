/** The table on the screen, and the raw figures of a run as a file in `results/`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { type Claim, isMet, median, type Outcome, type Round, type Series } from './measure.ts';

const number = (value: number | undefined): string => {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 10 ? 1 : 2);
};

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]): string =>
    row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join('  ');
  return rows.map(line).join('\n');
};

const of = (rounds: readonly Round[], figure: keyof Round): number | undefined => {
  const values = rounds.map((round) => round[figure]).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : median(values);
};

const seriesRow = ({ name, unit, rounds }: Series): string[] => {
  const rates = rounds.map(({ perSecond }) => perSecond);
  return [
    name,
    `${number(median(rates))} ${unit}`,
    `${number(Math.min(...rates))} … ${number(Math.max(...rates))}`,
    number(of(rounds, 'nodeCpuMicros')),
    number(of(rounds, 'postgresCpuMicros')),
    number(of(rounds, 'p50Ms')),
    number(of(rounds, 'p99Ms')),
  ];
};

const head = ['', 'median', 'rounds', 'Node µs/op', 'PostgreSQL µs/op', 'p50 ms', 'p99 ms'];

const claimRow = (claim: Claim): string[] => {
  const { what, value, unit, atLeast, atMost } = claim;
  const bound = atLeast === undefined ? (atMost === undefined ? '' : `≤ ${atMost}`) : `≥ ${atLeast}`;
  const met = isMet(claim);
  return [what, `${number(value)} ${unit}`, bound, met === undefined ? '' : met ? 'met' : 'MISSED'];
};

export const show = (name: string, { series, claims }: Outcome): string =>
  [
    `\n## ${name}`,
    ...(series.length === 0 ? [] : [table([head, ...series.map(seriesRow)])]),
    ...(claims.length === 0 ? [] : ['', table(claims.map(claimRow))]),
  ].join('\n');

/** What the figures were taken on, without naming whose machine it is. */
export const machine = () => ({
  cpu: cpus()[0]?.model.trim(),
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
});

export const keep = async (
  folder: string,
  name: string,
  takenAt: Date,
  result: Outcome & { readonly server: object },
): Promise<string> => {
  await mkdir(folder, { recursive: true });
  const file = `${takenAt.toISOString().slice(0, 10)}-${name}.json`;
  const content = { bench: name, takenAt: takenAt.toISOString(), machine: machine(), ...result };
  await writeFile(new URL(file, `file://${folder}/`), `${JSON.stringify(content, null, 2)}\n`);
  return file;
};
