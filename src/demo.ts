/**
 * Demo accounts, loaded as a customer would load them: an upload, accepted as a bulk job, carried out by
 * the workers. The same accounts on every machine; names and addresses are nobody's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemPrincipal } from './access/principal.ts';
import type { Engine } from './engine.ts';

const accountCount = 240;

const plans = [
  { plan: 'Starter', cents: 1_900 },
  { plan: 'Team', cents: 7_900 },
  { plan: 'Business', cents: 24_900 },
  { plan: 'Enterprise', cents: 99_000 },
] as const;
const contracts = ['month-to-month', 'one-year', 'two-year'] as const;
const regions = ['EMEA', 'AMER', 'APAC'] as const;
const payments = ['Card', 'Bank transfer', 'Direct debit'] as const;
const firstWords = [
  'Amber',
  'Birch',
  'Cedar',
  'Delta',
  'Ember',
  'Fjord',
  'Grove',
  'Harbor',
  'Indigo',
  'Juniper',
  'Kestrel',
  'Lumen',
];
const lastWords = [
  'Analytics',
  'Bakery',
  'Clinics',
  'Design',
  'Energy',
  'Foods',
  'Games',
  'Health',
  'Insurance',
  'Labs',
  'Logistics',
  'Media',
  'Networks',
  'Optics',
  'Press',
  'Robotics',
  'Schools',
  'Travel',
  'Utilities',
  'Works',
];

const pick = <T>(values: readonly T[], n: number): T => values[n % values.length] as T;
const decimal = (cents: number): string =>
  `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;

const row = (n: number): string => {
  const name = `${pick(firstWords, n)} ${pick(lastWords, Math.floor(n / firstWords.length))}`;
  const { plan, cents } = pick(plans, n * 7 + Math.floor(n / 9));
  const tenure = (n * 37) % 73;
  const monthly = cents + ((n * 131) % 500);
  const email = `owner@${name.toLowerCase().replaceAll(' ', '-')}.example`;
  const id = `demo-${String(n + 1).padStart(4, '0')}`;
  return [
    id,
    name,
    email,
    plan,
    pick(contracts, n * 5),
    pick(payments, n * 3),
    tenure,
    decimal(monthly),
    decimal(monthly * tenure),
    pick(regions, n * 11 + Math.floor(n / 7)),
  ].join(',');
};

const header =
  'accountId,name,ownerEmail,plan,contract,paymentMethod,tenureMonths,monthlyCharges,totalCharges,region';

export const demoCsv = (): string =>
  [header, ...Array.from({ length: accountCount }, (_, n) => row(n)), ''].join('\n');

/** Does nothing where an account was ever opened. */
export const importDemo = async ({ log, bulk }: Engine, say: (line: string) => void): Promise<void> => {
  const { events } = await log.readStored({ after: 0, limit: 1, types: ['AccountOpened'] });
  if (events.length > 0) return;
  const { job } = await bulk.accept.fromUpload({
    principal: systemPrincipal,
    mediaType: 'text/csv',
    query: { command: 'open-account', label: 'Demo accounts' },
    content: oneChunk(demoCsv()),
  });
  let { state, succeeded } = job;
  while (state === 'accepted' || state === 'running') {
    await sleep(50);
    ({ state, succeeded } = await bulk.jobs.get({ principal: systemPrincipal, id: job.id }));
  }
  say(`Loaded ${succeeded} demo accounts by a bulk import (${state}).`);
};

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
