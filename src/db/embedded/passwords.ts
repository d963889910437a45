/**
 * Passwords of the embedded server's three roles: random, made once, kept in a file that only its owner
 * may read. Two processes that start at once agree on the one file that was made first.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';

export interface Passwords {
  readonly superuser: string;
  readonly owner: string;
  readonly application: string;
}

export const passwordsFile = (dataDir: string): string => path.join(dataDir, 'postgres-passwords.json');

const random = (): string => randomBytes(24).toString('base64url');

/** On disk before its name exists, so that a power loss never leaves half a file. */
async function writeOnce(file: string, text: string): Promise<void> {
  const draft = `${file}.${random()}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

export async function readPasswords(dataDir: string): Promise<Passwords | undefined> {
  try {
    return JSON.parse(await readFile(passwordsFile(dataDir), 'utf8')) as Passwords;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`The file ${passwordsFile(dataDir)} cannot be read.`, { cause: error });
  }
}

export async function passwordsFor(dataDir: string): Promise<Passwords> {
  const passwords: Passwords = { superuser: random(), owner: random(), application: random() };
  if ((await readPasswords(dataDir)) === undefined) {
    await writeOnce(passwordsFile(dataDir), `${JSON.stringify(passwords, null, 2)}\n`);
  }
  return (await readPasswords(dataDir)) ?? passwords;
}
