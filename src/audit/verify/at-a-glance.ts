/**
 * Most lines of an export stand as they were written: then what is stored is canonical JSON already, and need
 * not be parsed and written anew to be hashed. An entry is put together from the line's own pieces; if its hash
 * is the sealed leaf, then they are what was sealed. If it is not, nothing is concluded: the line is read in full.
 */
import { hash } from 'node:crypto';
import { entryText } from '../transparency/entry.ts';
import { leafHash64 } from '../transparency/merkle.ts';

export interface Glanced {
  /** In base64. */
  readonly leaf: string;
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly recordedAt: string;
  readonly actor: string;
  readonly tool: string;
  readonly command: string | undefined;
  readonly correlationId: string;
  /** JSON text of the data. */
  readonly data: string;
}

const leafStart = '{"leaf":"';
const leafEnd = leafStart.length + 44;
const storedStart = '","stored":{"position":';
/** A string of JSON. */
const text = '"(?:[^"\\\\]|\\\\.)*"';
/** What stands between `"position":` and the data, to the letter: no member twice, none between. */
const envelopePattern = new RegExp(
  `(\\d{1,15}),"id":"([0-9a-f-]{36})","stream":(${text}),"version":(\\d{1,10}),"type":(${text}),"schemaVersion":(\\d{1,10}),"recordedAt":"([0-9TZ:.-]{27})","data":`,
  'y',
);
const correlation = ',"correlationId":';
const own = ',"commandId":';
const toolPattern = new RegExp(`,"tool":(${text})[,}]`);
const headPattern = new RegExp(`^\\{"actor":\\{"id":(${text}),"kind":"[a-z]+"\\}`);
const commandPattern = new RegExp(`,"command":(${text})$`);
const correlationPattern = new RegExp(`^${correlation}(${text})`);

const sha256 = (canonical: string): string => hash('sha256', canonical, 'hex');

const read = (json: string): string =>
  json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1);

/** undefined: it has to be read in full. */
export const atAGlance = (line: string): Glanced | undefined => {
  if (!line.startsWith(leafStart) || !line.startsWith(storedStart, leafEnd) || !line.endsWith('}}'))
    return undefined;
  envelopePattern.lastIndex = leafEnd + storedStart.length;
  const envelope = envelopePattern.exec(line);
  const split = line.lastIndexOf(',"metadata":{"actor":{"id":');
  if (envelope === null || split < envelopePattern.lastIndex) return undefined;
  const data = line.slice(envelopePattern.lastIndex, split);
  const metadata = line.slice(split + 12, -2);
  const place = metadata.indexOf(correlation);
  const last = metadata.lastIndexOf(own);
  if (place < 0 || last < place) return undefined;
  const before = metadata.slice(0, place);
  const behind = metadata.slice(place, last);
  const actor = headPattern.exec(before)?.[1];
  const tool = toolPattern.exec(metadata.slice(place))?.[1];
  const correlationId = correlationPattern.exec(behind)?.[1];
  if (actor === undefined || tool === undefined || correlationId === undefined) return undefined;
  const command = commandPattern.exec(before)?.[1];
  const [
    ,
    position = '',
    id = '',
    stream = '',
    version = '',
    type = '',
    schemaVersion = '',
    recordedAt = '',
  ] = envelope;
  const entry = entryText({
    actor,
    command,
    correlationId,
    id,
    position,
    recordedAt,
    schemaVersion,
    stream,
    tool,
    type,
    version,
    dataSha256: sha256(data),
    metadataSha256: sha256(`${before}${metadata.slice(last, -1)}${behind}}`),
  });
  const leaf = leafHash64(entry);
  if (leaf !== line.slice(leafStart.length, leafEnd)) return undefined;
  return {
    leaf,
    recordedAt,
    data,
    position: Number(position),
    stream: read(stream),
    version: Number(version),
    type: read(type),
    actor: read(actor),
    tool: read(tool),
    command: command === undefined ? undefined : read(command),
    correlationId: read(correlationId),
  };
};
