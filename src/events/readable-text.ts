/**
 * The readable form of events as JSON text, made from the text of their stored form: most of an event reads as it is
 * stored, so what is sealed or has an old shape is replaced where it stands, and the rest is neither parsed nor
 * written anew. Who acted, from where and why is sealed once for all that somebody does for one reason: of events
 * that have it alike one is decoded, and the others take from it what it came to.
 */
import { isQuarterdeckError } from '../errors.ts';
import type { EventData } from './definition.ts';
import type { Encoding } from './encoding.ts';
import type { RecordedEvent, StoredEvent } from './envelope.ts';
import type { Registry } from './registry.ts';

/** Each as it reads, in the order given. @throws QuarterdeckError as `Encoding.decode` does. */
export type ReadableTexts = (stored: readonly string[]) => Promise<readonly string[]>;

/** Where in an event's text stands what may read otherwise. */
interface Places {
  readonly type: string;
  readonly schemaVersion: string;
  readonly versionFrom: number;
  readonly versionTo: number;
  readonly dataFrom: number;
  readonly dataTo: number;
  /** Of the metadata, with the comma before it; of no length where nothing is sealed. */
  readonly sealedFrom: number;
  readonly sealedTo: number;
}

/** A string of JSON. */
const string = '"(?:[^"\\\\]|\\\\.)*"';
const envelope = new RegExp(
  `^(\\{"position":\\d+,"id":${string},"stream":${string},"version":\\d+,"type":"([^"\\\\]*)","schemaVersion":)(\\d+)(,"recordedAt":${string},"data":)\\{`,
);
const metadataStart = ',"metadata":{';
const mark = '$personal';
const beforeMark = ',"personal":{"';
const sealed = /,"personal":\{"\$personal":"[^"\\]*","sealed":(?:"[^"\\]*"|null)\}/y;

/**
 * undefined: it is written otherwise than here, and has to be decoded as a whole. Altered where it lies, text can
 * spell names in other ways and still be what was sealed.
 */
const placesIn = (text: string): Places | undefined => {
  const [, start, type, schemaVersion, next] = envelope.exec(text) ?? [];
  const dataTo = text.lastIndexOf(metadataStart);
  if (start === undefined || type === undefined || schemaVersion === undefined || next === undefined)
    return undefined;
  if (dataTo < 0 || text.includes('\\u') || text.includes('\n')) return undefined;
  const versionFrom = start.length;
  const versionTo = versionFrom + schemaVersion.length;
  const at = text.indexOf(mark, dataTo);
  sealed.lastIndex = at - beforeMark.length;
  if (at >= 0 && (!sealed.test(text) || text.includes(mark, at + mark.length))) return undefined;
  return {
    type,
    schemaVersion,
    versionFrom,
    versionTo,
    dataFrom: versionTo + next.length,
    dataTo,
    sealedFrom: at < 0 ? text.length : at - beforeMark.length,
    sealedTo: at < 0 ? text.length : sealed.lastIndex,
  };
};

/** What was sealed of the metadata, as members behind others. */
const membersOf = ({ metadata: { email, name, ip, reason } }: RecordedEvent): string => {
  const members = JSON.stringify({ email, name, ip, reason }).slice(1, -1);
  return members === '' ? '' : `,${members}`;
};

const parse = (text: string): StoredEvent => JSON.parse(text) as StoredEvent;

/** undefined: it is not what it looked like. */
const parsed = (data: string): EventData | undefined => {
  try {
    return JSON.parse(data) as EventData;
  } catch {
    return undefined;
  }
};

/** Text that reads as it is stored but for the places. */
interface Plan {
  readonly places: Places;
  readonly sealed: string;
  readonly newestVersion: string;
  /** Where it does not read as it is stored. */
  readonly data:
    | { readonly type: string; readonly schemaVersion: number; readonly data: EventData }
    | undefined;
}

const filledIn = (text: string, plan: Plan, data: string | undefined, members: string): string => {
  const { versionFrom, versionTo, dataFrom, dataTo, sealedFrom, sealedTo } = plan.places;
  const begin =
    data === undefined
      ? text.slice(0, sealedFrom)
      : `${text.slice(0, versionFrom)}${plan.newestVersion}${text.slice(versionTo, dataFrom)}${data}${text.slice(dataTo, sealedFrom)}`;
  return `${begin}${members}${text.slice(sealedTo)}`;
};

export const createReadableTexts = (
  registry: Pick<Registry, 'find'>,
  { decode, decodeData }: Pick<Encoding, 'decode' | 'decodeData'>,
): ReadableTexts => {
  /** undefined: it has to be decoded as a whole. */
  const planOf = (text: string): Plan | undefined => {
    const places = placesIn(text);
    if (places === undefined) return undefined;
    const { type, schemaVersion, dataFrom, dataTo } = places;
    const newestVersion = String(registry.find(type)?.schemaVersion ?? schemaVersion);
    const sealed = text.slice(places.sealedFrom, places.sealedTo);
    const data = text.slice(dataFrom, dataTo);
    if (newestVersion === schemaVersion && !data.includes(mark))
      return { places, newestVersion, sealed, data: undefined };
    const read = parsed(data);
    if (read === undefined) return undefined;
    const old = { type, schemaVersion: Number(schemaVersion), data: read };
    return { places, newestVersion, sealed, data: old };
  };

  const read = async (stored: readonly string[]): Promise<readonly string[]> => {
    const plans = stored.map(planOf);
    const wholes = stored.filter((_, n) => plans[n] === undefined);
    const firsts = new Map<string, string>();
    stored.forEach((text, n) => {
      const alike = plans[n]?.sealed ?? '';
      if (alike !== '' && !firsts.has(alike)) firsts.set(alike, text);
    });
    const [events, data] = await Promise.all([
      decode([...wholes, ...firsts.values()].map(parse)),
      decodeData(plans.flatMap((plan) => plan?.data ?? [])),
    ]);
    const members = new Map(
      [...firsts.keys()].map((alike, n) => [alike, membersOf(events[wholes.length + n] as RecordedEvent)]),
    );
    const nextWhole = events.values();
    const nextData = data.values();
    return stored.map((text, n) => {
      const plan = plans[n];
      if (plan === undefined) return JSON.stringify(nextWhole.next().value);
      const own = plan.data === undefined ? undefined : JSON.stringify(nextData.next().value);
      return filledIn(text, plan, own, members.get(plan.sealed) ?? '');
    });
  };

  return async (stored) => {
    try {
      return await read(stored);
    } catch (error) {
      // Event by event, so that the fault names the position.
      if (isQuarterdeckError(error)) await decode(stored.map(parse));
      throw error;
    }
  };
};
