/** The version of this package, as its package.json says. */
import { readFile } from 'node:fs/promises';

export const packageVersion = async (): Promise<string> => {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
};
