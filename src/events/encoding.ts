/**
 * Between an event as the program holds it and as it is stored: personal fields sealed or opened, old
 * shapes upcast, metadata split into what a batch has in common and what is an event's own.
 */
import { LRUCache } from 'lru-cache';
import { isQuarterdeckError, QuarterdeckError } from '../errors.ts';
import { runsOf } from './alike.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Codec, Opening } from './codec.ts';
import type { EventData, EventDefinition } from './definition.ts';
import type {
  ClearEvent,
  ClearMetadata,
  Metadata,
  RecordedEvent,
  StoredEvent,
  UnreadEvent,
} from './envelope.ts';
import { newEventId } from './event-id.ts';
import type { Registry } from './registry.ts';
import type { EncodedEvent, UnitEvent } from './unit.ts';

export interface Encoding {
  /**
   * Before anything is merged with what others append, so that a poison event fails alone and at once.
   * @throws QuarterdeckError `invalid_input` for text that PostgreSQL cannot hold and for what poses as a
   * sealed value; `internal` for an unknown type and for data that its definition does not know: the log
   * would keep a decider's slip for ever.
   */
  check(events: readonly UnitEvent[]): void;
  encode(events: readonly UnitEvent[]): Promise<readonly EncodedEvent[]>;
  /** @throws QuarterdeckError `internal`, naming the position, where one cannot be read: nothing is made up. */
  decode(events: readonly StoredEvent[]): Promise<readonly RecordedEvent[]>;
  /** Without what the metadata says of a person; faults as above. */
  decodeClear(events: readonly UnreadEvent[], opening?: Opening): Promise<readonly ClearEvent[]>;
  /** Opens and upcasts bare data (of streams being loaded, whose metadata nobody asked for). */
  decodeData(
    items: readonly { type: string; schemaVersion: number; data: EventData }[],
    opening?: Opening,
  ): Promise<readonly EventData[]>;
}

/** Sealed metadata is alike for every command of one sign-in without a reason, so it is sealed once. */
const sealedMetadataCached = 10_000;
const metadataContext = 'metadata';

type PersonalMetadata = Pick<Metadata, 'email' | 'name' | 'ip' | 'reason'>;

const personalOf = ({ email, name, ip, reason }: Metadata): EventData | undefined =>
  email === undefined && name === undefined && ip === undefined && reason === undefined
    ? undefined
    : { email, name, ip, reason };

/**
 * Data and metadata are stored as canonical JSON, so that hashes are taken of their text as it lies: members in
 * order here, but for `commandId`, which is an event's own and stands behind them.
 */
const commonOf = (metadata: Metadata, personal: object | undefined): string => {
  const { actor, executor } = metadata;
  const common = {
    actor: { id: actor.id, kind: actor.kind },
    approval: metadata.approval,
    bulkJobId: metadata.bulkJobId,
    causationId: metadata.causationId,
    command: metadata.command,
    correlationId: metadata.correlationId,
    decidedAt: metadata.decidedAt,
    executor: executor && { id: executor.id, kind: executor.kind },
    personal,
    reference: metadata.reference,
    sessionId: metadata.sessionId,
    tool: metadata.tool,
    traceparent: metadata.traceparent,
  } satisfies Record<Exclude<keyof Metadata, keyof PersonalMetadata | 'commandId'> | 'personal', unknown>;
  return JSON.stringify(common).slice(0, -1);
};

const ownOf = ({ commandId }: Metadata): string => `,"commandId":${JSON.stringify(commandId)}}`;

const assertText = (value: unknown): void => {
  if (typeof value === 'string') {
    if (value.includes('\0') || !value.isWellFormed()) throw unstorable();
  } else if (typeof value === 'object' && value !== null) {
    // Plain JSON: nothing is inherited, and no array of pairs is made for each of a million values.
    for (const name in value) {
      assertText(name);
      assertText((value as EventData)[name]);
    }
  }
};

/** Readers take every such member for ciphertext, whatever the definition says. */
const assertNoDisguise = (data: EventData): void => {
  for (const [name, value] of Object.entries(data)) {
    if (typeof value === 'object' && value !== null && '$personal' in value) {
      const message = 'A member named $personal is reserved for encrypted values.';
      throw new QuarterdeckError('invalid_input', message, { errors: [{ path: name, message }] });
    }
  }
};

/** `definition` knows all of the data, by name and by schema. */
const assertKnown = ({ type, schema }: EventDefinition, data: EventData): void => {
  const stranger =
    schema.def.catchall === undefined ? Object.keys(data).find((name) => !(name in schema.shape)) : undefined;
  const parsed = stranger === undefined ? schema.safeParse(data) : undefined;
  if (parsed?.success === true) return;
  throw new QuarterdeckError('internal', `An event ${type} is not as its definition says.`, {
    cause: parsed?.error ?? new Error(`no field ${stranger} is defined`),
  });
};

const unstorable = (): QuarterdeckError =>
  new QuarterdeckError(
    'invalid_input',
    'Text with a NUL character or half of a surrogate pair cannot be stored.',
  );

const keyOf = ({ actor, email, name, ip, reason }: Metadata): string =>
  `${actor.id}\0${email ?? ''}\0${name ?? ''}\0${ip ?? ''}\0${reason ?? ''}`;

export const createEncoding = (registry: Registry, codec: Codec): Encoding => {
  const sealedMetadata = new LRUCache<string, object>({ max: sealedMetadataCached });

  /** One sealed value for each distinct person, address and reason. */
  const sealMetadata = async (
    all: Iterable<Metadata>,
  ): Promise<(metadata: Metadata) => object | undefined> => {
    // Kept here too: while the missing are sealed, others may push these out of the cache.
    const known = new Map<string, object>();
    const missing = new Map<string, { subject: string; personal: EventData }>();
    for (const metadata of all) {
      const personal = personalOf(metadata);
      if (personal === undefined) continue;
      const key = keyOf(metadata);
      const sealed = sealedMetadata.get(key);
      if (sealed === undefined) missing.set(key, { subject: metadata.actor.id, personal });
      else known.set(key, sealed);
    }
    const sealed = await codec.encryptFields(
      [...missing.values()].map(({ subject, personal }) => ({
        subject,
        context: metadataContext,
        fields: ['personal'],
        data: { personal },
      })),
    );
    [...missing.keys()].forEach((key, i) => {
      const value = sealed[i]?.personal as object;
      known.set(key, value);
      sealedMetadata.set(key, value);
    });
    return (metadata) => (personalOf(metadata) === undefined ? undefined : known.get(keyOf(metadata)));
  };

  const check = (events: readonly UnitEvent[]): void => {
    for (const { stream, type, data, metadata } of events) {
      assertText(stream);
      assertText(data);
      assertText(metadata.commandId);
      assertNoDisguise(data);
      assertKnown(registry.get(type), data);
    }
    for (const metadata of new Set(runsOf(events))) assertText(metadata);
  };

  const encode = async (events: readonly UnitEvent[]): Promise<readonly EncodedEvent[]> => {
    const sealed = await codec.encryptFields(
      events.map((event) => {
        const { personal, subject } = registry.get(event.type);
        return {
          subject: subject?.(event.data) ?? '',
          context: event.type,
          fields: personal,
          data: event.data,
        };
      }),
    );
    const runs = runsOf(events);
    const distinct = new Set(runs);
    const personalFor = await sealMetadata(distinct);
    const commons = new Map([...distinct].map((one) => [one, commonOf(one, personalFor(one))]));
    return events.map((event, i) => ({
      id: newEventId(),
      stream: event.stream,
      type: event.type,
      schemaVersion: registry.get(event.type).schemaVersion,
      data: canonicalJson(sealed[i]),
      common: commons.get(runs[i] as Metadata) ?? '',
      own: ownOf(event.metadata),
    }));
  };

  const decodeData: Encoding['decodeData'] = async (items, opening) => {
    const sealed = items.map(({ type, data }) => ({ context: type, data }));
    const opened = await codec.decryptFields(sealed, opening);
    return items.map(({ type, schemaVersion }, i) => registry.upcast(type, schemaVersion, opened[i] ?? {}));
  };

  const decodeMetadata = async (stored: readonly EventData[]): Promise<readonly Metadata[]> => {
    const opened = await codec.decryptFields(stored.map((data) => ({ context: metadataContext, data })));
    return opened.map((metadata) => {
      const { personal, ...clear } = metadata;
      if (personal === undefined) return clear as unknown as Metadata;
      const shown = typeof personal === 'string' ? { email: personal, name: personal } : personal;
      // Not by spreading both: V8 would make a hidden class for each (docs/decisions/0040).
      return Object.assign(clear, shown) as unknown as Metadata;
    });
  };

  /** A page, or else its events one by one, so that the fault names the position. */
  const naming =
    <Stored extends { readonly position: number }, Read>(
      decodePage: (events: readonly Stored[]) => Promise<readonly Read[]>,
    ) =>
    async (events: readonly Stored[]): Promise<readonly Read[]> => {
      try {
        return await decodePage(events);
      } catch (error) {
        if (!isQuarterdeckError(error)) throw error;
        for (const one of events) await decodePage([one]).catch((cause: unknown) => unreadable(one, cause));
        throw error;
      }
    };

  const newestVersion = ({ type, schemaVersion }: { type: string; schemaVersion: number }): number =>
    registry.find(type)?.schemaVersion ?? schemaVersion;

  const decode = naming(async (events: readonly StoredEvent[]): Promise<readonly RecordedEvent[]> => {
    const [data, metadata] = await Promise.all([
      decodeData(events),
      decodeMetadata(events.map((e) => e.metadata)),
    ]);
    return events.map((event, i) => ({
      ...event,
      schemaVersion: newestVersion(event),
      data: data[i] ?? {},
      metadata: metadata[i] as Metadata,
    }));
  });

  const decodeClear: Encoding['decodeClear'] = (all, opening = 'when-read') =>
    naming(async (events: readonly UnreadEvent[]): Promise<readonly ClearEvent[]> => {
      const data = await decodeData(events, opening);
      return events.map((event, i) => clearEvent(event, newestVersion(event), data[i] ?? {}));
    })(all);

  return { check, encode, decode, decodeClear, decodeData };
};

/** Field by field: this runs for every event of a rebuild, most of which never have their metadata looked at. */
const clearEvent = (event: UnreadEvent, schemaVersion: number, data: EventData): ClearEvent => {
  let read: ClearMetadata | undefined;
  return {
    position: event.position,
    id: event.id,
    stream: event.stream,
    version: event.version,
    type: event.type,
    schemaVersion,
    recordedAt: event.recordedAt,
    data,
    get metadata() {
      read ??= clearMetadata(event.metadata);
      return read;
    },
  };
};

const clearMetadata = (text: string): ClearMetadata => {
  const { personal: _, ...clear } = JSON.parse(text) as EventData;
  return clear as unknown as ClearMetadata;
};

const unreadable = ({ position }: { readonly position: number }, cause: unknown): never => {
  if (!isQuarterdeckError(cause)) throw cause;
  const message = `Position ${position} of the log: ${cause.message}`;
  throw new QuarterdeckError('internal', message, { cause });
};
