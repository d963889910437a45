/**
 * Metadata of a URL, kept in the data directory each time it was read, so that a start goes well while the
 * provider's own address does not answer. It lies beside our private keys: whoever can change it there has
 * those already. A copy is of one address; for another one it is none.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { OnError } from '../ports.ts';
import type { MetadataSource } from './metadata-source.ts';
import { parseProviderMetadata } from './provider-metadata.ts';

interface Where {
  readonly folder: string;
  readonly onError: OnError;
}

/** A source on this machine stays as it is. */
export const kept = (source: MetadataSource, { folder, onError }: Where): MetadataSource => {
  const { id, url } = source;
  if (url === undefined) return source;
  const of = createHash('sha256').update(url).digest('hex').slice(0, 16);
  const file = path.join(folder, `saml-metadata-${id}-${of}.xml`);
  return {
    ...source,
    read: async () => {
      const read = await source.read();
      await replace(file, read.xml).catch((error: unknown) =>
        onError(error, 'keeping a copy of the metadata of an identity provider'),
      );
      return read;
    },
    last: async () => {
      try {
        return parseProviderMetadata(id, await readFile(file, 'utf8'));
      } catch {
        // What the address itself answered is the better reason.
        return undefined;
      }
    },
  };
};

/** Whole or not at all, whichever process reads it. */
const replace = async (file: string, text: string): Promise<void> => {
  const draft = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
  await rename(draft, file);
};
