/**
 * The log of an installation, read over HTTP from where the last reading ended: a round costs what it wrote, and not
 * what all rounds before it wrote. At the end it is read anew, whole, and must be what was read bit by bit.
 */
import type { Answered } from '../contract/running.ts';
import type { Installation } from './installation.ts';

export interface Logged {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly recordedAt: string;
  readonly command: unknown;
  readonly commandId: unknown;
  readonly bulkJobId: unknown;
}

/** Kept of hundreds of thousands of events: no more than tests ask of them. */
const loggedOf = (line: string): Logged => {
  const { position, stream, version, type, recordedAt, metadata } = JSON.parse(line);
  const { command, commandId, bulkJobId } = metadata;
  return { position, stream, version, type, recordedAt, command, commandId, bulkJobId };
};

export const linesOf = (answer: Answered): readonly string[] => {
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text.slice(0, 500)}`);
  return answer.text.split('\n').filter((line) => line !== '');
};

const readAfter = async (installed: Installation, position: number): Promise<readonly Logged[]> =>
  linesOf(
    await installed.insist('compliance', { path: `/internal/v1/audit/events.ndjson?after=${position}` }),
  ).map(loggedOf);

const known = new WeakMap<Installation, Logged[]>();

/** Positions and every stream's versions without a gap, from the first event on. */
const expectGapless = (log: readonly Logged[]): void => {
  const versions = new Map<string, number>();
  const wrong = log.filter(({ position, stream, version }, n) => {
    const next = (versions.get(stream) ?? 0) + 1;
    versions.set(stream, version);
    return position !== n + 1 || version !== next;
  });
  expect(wrong).toEqual([]);
};

/** All of it, without a gap; what was read before is not read again. */
export const logOf = async (installed: Installation): Promise<readonly Logged[]> => {
  const log = known.get(installed) ?? [];
  known.set(installed, log);
  for (const event of await readAfter(installed, log.length)) log.push(event);
  expectGapless(log);
  return log;
};

/** Nothing that was read once is gone or another by now. */
export const expectSameAnew = async (installed: Installation): Promise<void> => {
  const before = await logOf(installed);
  const anew = await readAfter(installed, 0);
  const different = before.filter((event, n) => JSON.stringify(event) !== JSON.stringify(anew[n]));
  expect(different).toEqual([]);
};
