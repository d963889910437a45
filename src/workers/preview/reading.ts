/**
 * Reading a preview. Diffs tell states, so they are for who may give the command (a dry run of it tells them
 * the same) or look at states in the audit log. Former values of personal fields are told to nobody here:
 * reading those is recorded, and belongs to the queries.
 */
import type { Permissions } from '../../access/principal.ts';
import type { Catalogue } from '../../commands/catalogue.ts';
import type { CommandDefinition } from '../../commands/definition.ts';
import type { Db } from '../../db/pool.ts';
import { QuarterdeckError } from '../../errors.ts';
import { type Codec, erased } from '../../events/codec.ts';
import type { JobRecord } from '../job-record.ts';
import { requireResults } from '../results.ts';
import { selectSample, sumCodes, sumEvents } from '../sql/previews.ts';
import type { PatchOperation, Preview, PreviewedItem } from './request.ts';
import { type StoredSample, sampleContext, sampleMax } from './round.ts';

interface Parts {
  readonly pool: Db;
  readonly codec: Pick<Codec, 'decryptFields'>;
  readonly catalogue: Catalogue;
}

export type ReadPreview = (job: JobRecord, permissions: Permissions) => Promise<Preview>;

export const createPreviews = ({ pool, codec, catalogue }: Parts): ReadPreview => {
  const sampleOf = async (
    job: JobRecord,
    command: CommandDefinition | undefined,
    diffsShown: boolean,
  ): Promise<readonly PreviewedItem[]> => {
    const { rows } = await pool.query<{ item: StoredSample }>({
      ...selectSample,
      values: [job.id, sampleMax],
    });
    const sorted = rows.map(({ item }) => item).sort((a, b) => a.x - b.x);
    if (!diffsShown) return sorted.map(placeOf);
    const opened = await codec.decryptFields(sorted.map((data) => ({ context: sampleContext, data })));
    const personal = personalOf(catalogue, command);
    return opened.map((item) => shownOf(item as StoredSample, personal));
  };

  return async (job, permissions) => {
    if (!job.dryRun) {
      const rejection = 'not_a_dry_run';
      throw new QuarterdeckError('rejected', 'Only a dry run has a preview.', { rejection });
    }
    requireResults(job);
    const command = catalogue.find(job.command);
    const diffsShown =
      permissions.has('audit:replay') || (command !== undefined && permissions.has(command.permission));
    const values = [job.id];
    const [events, codes, sample] = await Promise.all([
      pool.query<Preview['wouldAppend'][number]>({ ...sumEvents, values }),
      pool.query<Preview['codes'][number]>({ ...sumCodes, values }),
      sampleOf(job, command, diffsShown),
    ]);
    return {
      id: job.id,
      command: job.command,
      inverse: command?.inverse?.command ?? null,
      irreversible: command?.irreversible ?? null,
      wouldAppend: events.rows,
      codes: codes.rows,
      sample,
      diffsShown,
      position: job.position,
    };
  };
};

const placeOf = ({ x, l, t, w }: StoredSample): PreviewedItem => ({
  index: x,
  ...(l === undefined ? {} : { line: l }),
  target: t,
  wouldAppend: w,
});

const shownOf = (item: StoredSample, personal: ReadonlySet<string>): PreviewedItem => {
  const { diff, before } = item;
  if (diff === erased) return placeOf(item);
  const former = Object.entries(before as Readonly<Record<string, unknown>>);
  return {
    ...placeOf(item),
    diff: diff as readonly PatchOperation[],
    before: Object.fromEntries(former.filter(([path]) => !personal.has(path.split('/')[1] ?? ''))),
  };
};

/** Fields that any command on such streams takes as personal. */
const personalOf = ({ all }: Catalogue, command: CommandDefinition | undefined): ReadonlySet<string> =>
  new Set(all.flatMap(({ stream, personal }) => (stream.prefix === command?.stream.prefix ? personal : [])));
