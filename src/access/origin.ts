/**
 * Who asks for something, from where and in what connection, and the metadata of what follows from it:
 * the same for commands, reads, bulk work and audit.
 */
import type { Metadata, Timestamp } from '../events/envelope.ts';
import type { Principal } from './principal.ts';

export interface Origin {
  readonly principal: Principal;
  readonly ip?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceparent?: string;
}

export interface MetadataSource {
  readonly clock: () => Timestamp;
  readonly newId: () => string;
}

interface About {
  readonly command?: string;
  readonly reason?: string | undefined;
  readonly reference?: string | undefined;
}

export const metadataOf = (origin: Origin, { clock, newId }: MetadataSource, about: About = {}): Metadata => {
  const { principal, ip, correlationId, causationId, traceparent } = origin;
  const commandId = newId();
  return {
    ...actorOf(principal),
    commandId,
    correlationId: correlationId ?? commandId,
    decidedAt: clock(),
    ...(about.command === undefined ? {} : { command: about.command }),
    ...(causationId === undefined ? {} : { causationId }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(about.reference === undefined ? {} : { reference: about.reference }),
    ...(about.reason === undefined ? {} : { reason: about.reason }),
    ...(ip === undefined ? {} : { ip }),
  };
};

const actorOf = ({ id, kind, tool, sessionId, email, name }: Principal) => ({
  actor: { id, kind },
  tool,
  ...(sessionId === undefined ? {} : { sessionId }),
  ...(email === undefined ? {} : { email }),
  ...(name === undefined ? {} : { name }),
});
