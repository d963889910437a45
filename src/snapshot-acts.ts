/** What the command line does about moments that are kept under a name, and how it tells of it. */
import { systemPrincipal } from './access/principal.ts';
import type { SnapshotDesk, SnapshotProgress } from './audit/snapshots.ts';

type Say = (line: string) => void;

export interface ReplayAsked {
  /** A time with its zone, or a position. */
  readonly at: string;
  readonly into: string;
  readonly keepDays: number;
}

const progressEveryMs = 1_000;

/** A line for each read model when it begins and ends, and one a second in between. */
const progressLines = (say: Say): ((progress: SnapshotProgress) => void) => {
  let told = '';
  let toldAt = 0;
  return ({ projection, position, upTo }) => {
    const now = performance.now();
    if (projection === told && position < upTo && now - toldAt < progressEveryMs) return;
    told = projection;
    toldAt = now;
    say(`${projection}: ${position} of ${upTo} (${Math.floor((100 * position) / upTo)} %)`);
  };
};

/** Cut off, it goes on when it is asked for again. */
export const buildSnapshot = async (desk: SnapshotDesk, asked: ReplayAsked, say: Say): Promise<void> => {
  const { name, position, expiresAt } = await desk.build({
    principal: systemPrincipal,
    ...asked,
    onProgress: progressLines(say),
  });
  say(`${name} is ready: every read model as of position ${position}, kept until ${expiresAt}.`);
  say(`Read it with ?snapshot=${name}, for instance /internal/v1/accounts?snapshot=${name}`);
};

export const saySnapshots = async (desk: SnapshotDesk, say: Say): Promise<void> => {
  const all = await desk.list({ principal: systemPrincipal });
  if (all.length === 0)
    say('There are none. Build one with quarterdeck replay --at <time or position> --into <name>.');
  for (const { name, position, recordedAt, state, madeBy, expiresAt } of all)
    say(
      `${name}  position ${position} (${recordedAt ?? 'the beginning'})  ${state}  by ${madeBy}  until ${expiresAt}`,
    );
};

export const dropNamed = async (desk: SnapshotDesk, name: string, say: Say): Promise<void> => {
  await desk.drop({ principal: systemPrincipal, name });
  say(`${name} is dropped.`);
};
