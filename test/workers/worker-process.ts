/** A worker process to be killed: works on bulk jobs of the database and queue given as JSON until then. */
import { createPool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../setup/database.ts';
import { openHouse } from './house.ts';

const { applicationUrl, redisUrl } = JSON.parse(process.argv[2] ?? '{}') as {
  applicationUrl: string;
  redisUrl?: string;
};
const app = createPool({ url: applicationUrl, max: 10, applicationName: 'killed', onError: () => undefined });
const db = { app, applicationUrl } as TestDatabase;
const house = await openHouse({ db, redisUrl, reading: false });
await house.bulk.start();
console.log('working');
