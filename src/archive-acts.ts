/** Acts of the command line on old parts of the log: into the archive, out of the database, and back. */
import { briefly } from './acts.ts';
import type { Archiving } from './audit/archive/archiving.ts';
import type { Moving } from './audit/archive/moving.ts';
import { type Config, ConfigError } from './config.ts';
import { asOwner } from './database.ts';
import { createPool } from './db/pool.ts';
import { timeOf } from './events/asked-moment.ts';
import { openStorage } from './storage/open.ts';

type Say = (line: string) => void;

interface Desk {
  readonly archiving: Archiving;
  readonly positionBefore: (time: string) => Promise<number>;
  /** As the owner of the tables. */
  readonly moving: Moving;
}

const atTheArchive = (config: Config, say: Say, act: (desk: Desk) => Promise<void>): Promise<void> => {
  const { logArchive } = config;
  if (logArchive === undefined)
    throw new ConfigError('QUARTERDECK_LOG_ARCHIVE must say where: a directory, or s3://bucket/prefix.');
  return briefly(config, say, async ({ engine: { log, transparency } }, { ownerUrl }) => {
    const storage = await openStorage(logArchive);
    const owner = createPool({ url: ownerUrl, max: 3, statementTimeoutMs: 0, onError: () => undefined });
    try {
      await act({
        archiving: transparency.archiving(storage),
        positionBefore: log.positionBefore,
        moving: transparency.moving(storage, owner),
      });
    } finally {
      await owner.end();
      storage.close();
    }
  });
};

/** Old partitions of the log as files at the archive, each proven where it lies. */
export const archiveLog = (config: Config, before: string, say: Say): Promise<void> =>
  atTheArchive(config, say, async ({ archiving }) => {
    const done = await archiving.archive(timeOf('before', before), ({ after, upTo, file, bytes, sha256 }) =>
      say(
        `${file}: positions ${after + 1} to ${upTo}, ${bytes} bytes, SHA-256 ${sha256}; proven where it lies.`,
      ),
    );
    if (done.length === 0)
      say('Nothing to archive: no partition (2,000,000 events) is full, older than that, and not there yet.');
  });

/** Out of the database: what is asked of them from then on is read from the archive. */
export const detachLog = (
  config: Config,
  { before, drop }: { readonly before: string; readonly drop: boolean },
  say: Say,
): Promise<void> =>
  atTheArchive(config, say, async ({ archiving, moving }) => {
    const archived = await archiving.archivedBefore(timeOf('before', before));
    let detached = 0;
    await asOwner(
      moving.detach(archived, ({ after, upTo, file, streams, uncovered }) => {
        detached++;
        say(
          `Positions ${after + 1} to ${upTo} are read from ${file} from now on; ${streams} streams, ${uncovered} without a snapshot.`,
        );
      }),
    );
    const dropped = drop ? await asOwner(moving.drop(archived)) : 0;
    if (detached === 0 && dropped === 0)
      return say(
        'Nothing to detach: no partition (2,000,000 events) is full, older than that, and still here.',
      );
    say(
      drop
        ? `${partitions(dropped, 'was', 'were')} dropped: what they held is in the archive alone.`
        : 'The partitions are kept, out of reach, until the same command is given with --drop; "quarterdeck log attach" puts them back.',
    );
  });

/** Back into the database, those that were not dropped. */
export const attachLog = (config: Config, before: string, say: Say): Promise<void> =>
  atTheArchive(config, say, async ({ positionBefore, moving }) => {
    const attached = await asOwner(moving.attach(await positionBefore(timeOf('before', before))));
    say(
      attached === 0
        ? 'Nothing to attach: no partition that is older is detached and kept.'
        : `${partitions(attached, 'is', 'are')} in the database again.`,
    );
  });

const partitions = (count: number, one: string, more: string): string =>
  count === 1 ? `1 partition ${one}` : `${count} partitions ${more}`;
