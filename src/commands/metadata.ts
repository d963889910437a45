/**
 * The metadata of what a principal does: who, through which tool, from where, when, why.
 */
import type { Principal } from '../access/principal.ts';
import type { Metadata, Timestamp } from '../events/envelope.ts';
import type { Origin } from './request.ts';

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
