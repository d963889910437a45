/**
 * Where an identity provider's metadata is read from, again and again: a file, a URL, or given text. A URL
 * is https, because whoever can change the answer decides whose signatures we believe.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type IdentityProvider, parseProviderMetadata } from './provider-metadata.ts';

export interface MetadataSource {
  /** The provider's id in the access policy. */
  readonly id: string;
  /** @throws Error that names the source and says what is wrong with it */
  read(): Promise<IdentityProvider>;
}

const idPattern = /^[a-z][a-z0-9-]{0,63}$/;
const fetchTimeoutMs = 10_000;

/** One entry of `QUARTERDECK_SAML_METADATA`. @throws Error that names the entry */
export const metadataSource = (setting: string): MetadataSource => {
  const { id, source } = sourceOf(setting);
  if (!idPattern.test(id))
    throw new Error(`SAML metadata "${setting}": give it a name, as in okta=${source}`);
  if (isUrl(source) && !isSafe(source))
    throw new Error(`SAML metadata "${setting}" cannot be used: its address must begin with https://`);
  return {
    id,
    read: async () => {
      try {
        const text = isUrl(source) ? await fetched(source) : await readFile(source, 'utf8');
        return parseProviderMetadata(id, text);
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
  read: () => Promise.resolve(parseProviderMetadata(id, xml)),
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
  });
  if (!answer.ok) throw new Error(`it answered ${answer.status}`);
  if (!isSafe(answer.url)) throw new Error('it led on to an address without https');
  return answer.text();
};
