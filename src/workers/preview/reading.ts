/**
 * Reading a preview. Diffs tell states, so they are for whoever asked for the job, and for who may give the
 * command on every row (a dry run of it tells them the same) or look at every state in the audit log. Personal
 * values that the job brought along are shown; those that stood in the log, former ones or such as an undo
 * brings back, are told to nobody here: reading those is recorded, and belongs to the queries. Whoever may
 * replay and not give the command is told no field that a replay would leave out.
 */
import { isEveryRow, type Principal } from '../../access/principal.ts';
import type { Catalogue } from '../../commands/catalogue.ts';
import type { CommandDefinition } from '../../commands/definition.ts';
import type { Db } from '../../db/pool.ts';
import { QuarterdeckError } from '../../errors.ts';
import { type Codec, erased } from '../../events/codec.ts';
import { hiddenFields } from '../../events/field-notes.ts';
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

export type ReadPreview = (job: JobRecord, viewer: Principal) => Promise<Preview>;

export const createPreviews = ({ pool, codec, catalogue }: Parts): ReadPreview => {
  const sampleOf = async (
    job: JobRecord,
    command: CommandDefinition | undefined,
    hidden: ReadonlySet<string> | undefined,
  ): Promise<readonly PreviewedItem[]> => {
    const { rows } = await pool.query<{ item: StoredSample }>({
      ...selectSample,
      values: [job.id, sampleMax],
    });
    const sorted = rows.map(({ item }) => item).sort((a, b) => a.x - b.x);
    if (hidden === undefined) return sorted.map(placeOf);
    const opened = await codec.decryptFields(sorted.map((data) => ({ context: sampleContext, data })));
    const personal = personalOf(catalogue, command);
    const kept = { personal, hidden, fromLog: job.undoOf !== null };
    return opened.map((item) => shownOf(item as StoredSample, kept));
  };

  return async (job, viewer) => {
    if (!job.dryRun) {
      const rejection = 'not_a_dry_run';
      throw new QuarterdeckError('rejected', 'Only a dry run has a preview.', { rejection });
    }
    requireResults(job);
    const command = catalogue.find(job.command);
    const hidden = hiddenFrom(viewer, job, command);
    const values = [job.id];
    const [events, codes, sample] = await Promise.all([
      pool.query<Preview['wouldAppend'][number]>({ ...sumEvents, values }),
      pool.query<Preview['codes'][number]>({ ...sumCodes, values }),
      sampleOf(job, command, hidden),
    ]);
    return {
      id: job.id,
      command: job.command,
      inverse: command?.inverse?.command ?? null,
      irreversible: command?.irreversible ?? null,
      wouldAppend: events.rows,
      codes: codes.rows,
      sample,
      diffsShown: hidden !== undefined,
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

interface Kept {
  readonly personal: ReadonlySet<string>;
  /** Fields of which nothing is told. */
  readonly hidden: ReadonlySet<string>;
  /** New values, too, come from the log and not from whoever asked. */
  readonly fromLog: boolean;
}

const shownOf = (item: StoredSample, { personal, hidden, fromLog }: Kept): PreviewedItem => {
  if (item.diff === erased) return placeOf(item);
  const fieldOf = (path: string): string => path.split('/')[1] ?? '';
  // A path that is the whole state holds whatever is hidden in it.
  const isTold = (path: string): boolean => !hidden.has(fieldOf(path)) && (path !== '' || hidden.size === 0);
  const diff = (item.diff as readonly PatchOperation[]).filter(({ path }) => isTold(path));
  const all = Object.entries(item.before as Readonly<Record<string, unknown>>);
  const former = all.filter(([path]) => isTold(path));
  const isPersonal = (path: string): boolean => personal.has(fieldOf(path));
  const shown = diff.filter(({ op, path }) => !fromLog || op === 'remove' || !isPersonal(path));
  const withheld = [
    ...diff.filter((one) => !shown.includes(one)).map(({ path }) => path),
    ...former.map(([path]) => path).filter(isPersonal),
  ];
  return {
    ...placeOf(item),
    diff: shown,
    before: Object.fromEntries(former.filter(([path]) => !isPersonal(path))),
    ...(withheld.length === 0 ? {} : { withheld: [...new Set(withheld)] }),
  };
};

/** Fields that are kept from the viewer; undefined: all of it. */
const hiddenFrom = (
  { id, permissions }: Principal,
  { requesterId }: JobRecord,
  command: CommandDefinition | undefined,
): ReadonlySet<string> | undefined => {
  const holds = (permission: string | undefined): boolean =>
    permission !== undefined &&
    permissions.has(permission) &&
    (id === requesterId || isEveryRow(permissions.rows(permission)));
  if (holds(command?.permission)) return new Set();
  if (!holds('audit:replay')) return undefined;
  if (holds('audit:all-fields')) return new Set();
  const notes = command?.stream.notes;
  return notes === undefined ? undefined : hiddenFields(notes, holds);
};

/** Fields that any command on such streams takes as personal. */
const personalOf = ({ all }: Catalogue, command: CommandDefinition | undefined): ReadonlySet<string> =>
  new Set(all.flatMap(({ stream, personal }) => (stream.prefix === command?.stream.prefix ? personal : [])));
