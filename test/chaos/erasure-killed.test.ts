/**
 * kill -9 during an erasure, at moments of chance: while it is decided, right behind its tombstone, while copies are
 * scrubbed; of the process, or of it and its PostgreSQL at once. After a start it was never begun, or it is done.
 */
import { watch } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../setup/until.ts';
import {
  erase,
  expectErased,
  expectUntouched,
  openVictim,
  type Remains,
  remainsOf,
  tombstonesIn,
  type Victim,
} from './erasures.ts';
import { Installation } from './installation.ts';
import { logOf } from './logged.ts';
import { longMs, playRounds } from './rounds.ts';

/** A commit takes about as long as that. */
const behindTombstoneMs = 5;

describe('kill -9 during an erasure', () => {
  let mirror: string;
  let installed: Installation;
  /** How long one takes that nobody disturbs. */
  let usual: { readonly answerMs: number; readonly scrubMs: number };
  beforeAll(async () => {
    mirror = await mkdtemp(path.join(tmpdir(), 'quarterdeck-chaos-mirror-'));
    installed = await Installation.open({ QUARTERDECK_LOG_MIRROR: mirror });
    const victim = await openVictim(installed, 'undisturbed');
    const begun = performance.now();
    expect((await erase(installed, victim)).status).toBe(200);
    const answered = performance.now();
    await until(async () => (await remainsOf(installed, victim)).scrubbedAt !== null);
    usual = { answerMs: answered - begun, scrubMs: performance.now() - answered };
  }, longMs);
  afterAll(async () => {
    await installed?.close();
    await rm(mirror, { recursive: true, force: true });
  });

  /** Resolves when another tombstone is in the mirror. */
  const tombstoneWritten = async (): Promise<void> => {
    const [folder = ''] = (await tombstonesIn(mirror)).map((name) => path.dirname(name));
    const watching = watch(path.join(mirror, 'erasures', folder));
    await new Promise<void>((resolve) => {
      watching.on('change', (_event, name) => {
        if (String(name).endsWith('.json')) resolve();
      });
    });
    watching.close();
  };

  /** Kills at the moment that was drawn; whether the erasure had been answered with 200. */
  const killDuring = async (victim: Victim, fraction: number, withPostgres: boolean) => {
    const postmaster = await installed.postmaster();
    const phase = Math.floor(fraction * 3);
    const rest = fraction * 3 - phase;
    const written = tombstoneWritten();
    let answered = false;
    const asked = erase(installed, victim).then(
      ({ status }) => (answered = status === 200),
      () => false,
    );
    if (phase === 1) await written;
    if (phase === 2) await asked;
    await sleep(rest * ([usual.answerMs, behindTombstoneMs, usual.scrubMs][phase] as number));
    const wasAnswered = answered;
    const ended = installed.end('SIGKILL');
    if (withPostgres) process.kill(postmaster, 'SIGKILL');
    await ended;
    await asked;
    const moments = ['while it was decided', 'behind its tombstone', 'while it was scrubbed'];
    return { wasAnswered, when: moments[phase] as string };
  };

  const foundAs = (tombstone: boolean, { said }: Remains): string => {
    if (!tombstone) return 'not begun';
    if (said[0] === 'ErasureReapplied') return 'a tombstone without its event';
    return said.includes('SubjectScrubbed') ? 'done' : 'begun';
  };

  test(
    'leaves it done to the end or never begun, and what was answered is done',
    async () => {
      const erased: { victim: Victim; first: readonly string[] }[] = [];
      await playRounds('kill -9 during an erasure', async ({ round, fraction }) => {
        await installed.signIn('compliance');
        const victim = await openVictim(installed, String(round));
        const before = (await tombstonesIn(mirror)).length;
        const { wasAnswered, when } = await killDuring(victim, fraction, round % 2 === 1);
        const killedAt = Date.now();
        const written = (await tombstonesIn(mirror)).length - before;
        if (wasAnswered) expect(written).toBe(1);
        await installed.start();
        const remains = await remainsOf(installed, victim);
        // Before anything is served, not some time after.
        expect(remains.hasKey).toBe(written === 0);
        if (written === 0) {
          await expectUntouched(installed, victim);
          expect((await erase(installed, victim)).status).toBe(200);
        }
        const certain = wasAnswered || written === 0;
        erased.push({ victim, first: certain ? ['SubjectErased'] : ['SubjectErased', 'ErasureReapplied'] });
        const { scrubbedAt } = remains;
        const outstanding = scrubbedAt !== null && Date.parse(scrubbedAt) < killedAt ? 0 : 1;
        const what = round % 2 === 1 ? 'process and PostgreSQL' : 'process';
        return { outstanding, told: `${what} killed ${when}, found ${foundAs(written === 1, remains)}` };
      });
      // Through later kills too: whoever scrubbed when it was killed has it for two minutes more.
      await installed.signIn('compliance');
      for (const { victim, first } of erased) await expectErased(installed, victim, first);
      expect(await tombstonesIn(mirror)).toHaveLength(erased.length + 1);
      await logOf(installed);
    },
    longMs,
  );
});
