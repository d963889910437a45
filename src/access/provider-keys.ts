/**
 * Whose signatures are believed is on record: each set of signing certificates that an identity provider's metadata
 * brings is in the log before anybody signs in by it, with what came, what went and where it was read. The stream
 * knows the set before, so that many processes that read the same news record it once, and one that changed while
 * none ran is recorded at the next start.
 */
import { X509Certificate } from 'node:crypto';
import type { EventLog } from '../events/log.ts';
import { ProviderKeysChanged, providerStream } from './engine-events.ts';
import { systemPrincipal } from './principal.ts';
import { type Recorder, whoIs } from './recorder.ts';
import type { IdentityProvider } from './saml/provider-metadata.ts';

export interface ProviderKeys {
  /** `source`: where it was read, as the configuration says it. Resolves when it is on record. */
  record(provider: IdentityProvider, source: string): Promise<void>;
}

interface Deps {
  readonly log: Pick<EventLog, 'append' | 'readStreams'>;
  readonly recorder: Recorder;
}

const attemptsMax = 5;

/** SHA-256 of the certificate in hex, with colons, as openssl shows it. */
const fingerprintOf = (certificate: string): string => new X509Certificate(certificate).fingerprint256;

export const createProviderKeys = ({ log, recorder }: Deps): ProviderKeys => {
  const recorded = new Map<string, string>();

  /** Whether it is on record now; false where another process came between. */
  const append = async (provider: IdentityProvider, source: string): Promise<boolean> => {
    const stream = providerStream(provider.id);
    const last = (await log.readStreams([stream])).at(-1);
    const before = (last?.data.certificates ?? []) as readonly string[];
    const certificates = [...new Set(provider.certificates.map(fingerprintOf))].sort();
    const added = certificates.filter((one) => !before.includes(one));
    const removed = before.filter((one) => !certificates.includes(one));
    if (added.length === 0 && removed.length === 0) return true;
    const { id, entityId } = provider;
    const changed = ProviderKeysChanged.of({ provider: id, entityId, source, added, removed, certificates });
    const outcome = await log.append({
      writes: [{ stream, base: last?.version ?? 0 }],
      reads: [],
      claims: [],
      releases: [],
      keys: [],
      events: [{ stream, ...changed, metadata: recorder.metadata(whoIs(systemPrincipal)) }],
    });
    return outcome.accepted;
  };

  return {
    record: async (provider, source) => {
      const now = provider.certificates.join();
      if (recorded.get(provider.id) === now) return;
      for (let attempt = 0; !(await append(provider, source)); attempt++)
        if (attempt >= attemptsMax) throw new Error(`the keys of "${provider.id}" change again and again`);
      recorded.set(provider.id, now);
    },
  };
};
