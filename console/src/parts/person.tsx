/** Who did it. Ids are opaque on purpose; one's own is told as such, the others by their end. */
import type { Actor } from '../api/types.ts';
import { useMe } from '../shell/me-context.ts';

export const Person = ({ actor }: { readonly actor: Actor | string | undefined }) => {
  const { principal } = useMe();
  if (actor === undefined) return 'unknown';
  const { id, name, email, kind }: Actor = typeof actor === 'string' ? { id: actor } : actor;
  const told = name ?? email ?? (id === principal.id ? 'you' : shortId(id, kind));
  return <span title={id}>{told}</span>;
};

const endCharacters = 6;

/** `person:dev:3f…9c2e41` → `person …9c2e41`; tools and the system have names that say enough. */
const shortId = (id: string, kind = id.split(':', 1)[0]): string =>
  kind === 'person' && id.length > 16 ? `${kind} …${id.slice(-endCharacters)}` : id;
