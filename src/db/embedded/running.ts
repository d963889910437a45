/**
 * The embedded server of another Quarterdeck that runs on the same data directory: acts of the command line
 * join it, rather than ask for the service to be stopped.
 */
import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { databaseName, roles, urlFor } from './databases.ts';
import { readPasswords } from './passwords.ts';
import { predecessorOn } from './predecessor.ts';

/** The port is the fourth line, as PostgreSQL's miscadmin.h lays the file out (LOCK_FILE_LINE_PORT). */
const portIn = (pidFile: string): number => Number.parseInt(pidFile.split('\n')[3] ?? '', 10);

interface Running {
  /** The application's. */
  readonly url: string;
  readonly ownerUrl: string;
}

/** How it is reached; undefined where no living Quarterdeck has a server on `dataDir`. */
export const runningEmbedded = async (dataDir: string): Promise<Running | undefined> => {
  const folder = await realpath(path.join(dataDir, 'postgres')).catch(() => undefined);
  if (folder === undefined || (await predecessorOn(folder)).kind !== 'owned') return undefined;
  const port = portIn(await readFile(path.join(folder, 'postmaster.pid'), 'utf8').catch(() => ''));
  const passwords = await readPasswords(await realpath(dataDir));
  if (passwords === undefined || !(port > 0)) return undefined;
  const urlOf = (role: 'application' | 'owner'): string =>
    urlFor(roles[role], passwords[role], port, databaseName);
  return { url: urlOf('application'), ownerUrl: urlOf('owner') };
};
