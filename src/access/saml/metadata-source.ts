/**
 * Where an identity provider's metadata is read from, again and again: a file, a URL, or given text. A URL
 * is https and answers by itself, because whoever can change the answer decides whose signatures we believe.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type IdentityProvider, parseProviderMetadata } from './provider-metadata.ts';

export interface ReadMetadata {
  readonly provider: IdentityProvider;
  readonly xml: string;
}

export interface MetadataSource {
  /** The provider's id in the access policy. */
  readonly id: string;
  /** Where from, for people. */
  readonly name: string;
  /** undefined: it is on this machine. */
  readonly url?: string;
  /** @throws Error that names the source and says what is wrong with it */
  read(): Promise<ReadMetadata>;
  /** What was read last, also before a restart, where the source keeps it: see `kept-metadata.ts`. */
  last?(): Promise<IdentityProvider | undefined>;
}

const idPattern = /^[a-z][a-z0-9-]{0,63}$/;
const fetchTimeoutMs = 10_000;
/** That of a whole tenant of Entra ID has about 100 KiB. */
const metadataBytesMax = 512 * 1024;

/** One entry of `QUARTERDECK_SAML_METADATA`. @throws Error that names the entry */
export const metadataSource = (setting: string): MetadataSource => {
  const { id, source } = sourceOf(setting);
  if (!idPattern.test(id))
    throw new Error(`SAML metadata "${setting}": give it a name, as in okta=${source}`);
  if (isUrl(source) && !isSafe(source))
    throw new Error(`SAML metadata "${setting}" cannot be used: its address must begin with https://`);
  return {
    id,
    name: source,
    ...(isUrl(source) ? { url: source } : {}),
    read: async () => {
      try {
        const xml = isUrl(source) ? await fetched(source) : await readFile(source, 'utf8');
        return { provider: parseProviderMetadata(id, xml), xml };
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`SAML metadata "${setting}" cannot be used: ${reason}`, { cause });
      }
    },
  };
};

/** Of a provider that runs in this process. */
export const givenMetadata = (id: string, xml: string): MetadataSource => ({
  id,
  name: id,
  read: () => Promise.resolve({ provider: parseProviderMetadata(id, xml), xml }),
});

/** `okta=https://…` names the provider; otherwise it is called as the file or the host. */
const sourceOf = (setting: string): { id: string; source: string } => {
  const named = /^([a-z][a-z0-9-]{0,63})=(.+)$/s.exec(setting);
  if (named?.[1] !== undefined && named[2] !== undefined) return { id: named[1], source: named[2] };
  const bare = isUrl(setting) ? new URL(setting).hostname : path.basename(setting, path.extname(setting));
  return { id: bare.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-'), source: setting };
};

const isUrl = (source: string): boolean => /^https?:\/\//.test(source);

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

const isSafe = (url: string): boolean => {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || loopback.has(hostname);
};

const fetched = async (url: string): Promise<string> => {
  const answer = await fetch(url, {
    signal: AbortSignal.timeout(fetchTimeoutMs),
    headers: { accept: '*/*' },
    // A step over http on the way would let anybody there choose where it ends.
    redirect: 'manual',
  });
  const to = answer.headers.get('location');
  if (to !== null) throw new Error(`it leads on to ${to}: name that address`);
  if (!answer.ok || answer.body === null) throw new Error(`it answered ${answer.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > metadataBytesMax) throw new Error(`it has more than ${metadataBytesMax / 1024} KiB`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
};
