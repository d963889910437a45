import type { QuarterdeckError } from '../../src/errors.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { ann, everything, type House, ids, mendDecider, openHouse, person, proveFromLog } from './house.ts';

describe('A dry run', () => {
  let db: TestDatabase;
  let house: House;
  beforeAll(async () => {
    db = await testDatabase();
    house = await openHouse({ db });
    await house.bulk.start();
  });
  afterAll(async () => {
    await house.close();
    await db.drop();
  });

  const preview = (id: string, principal = ann) => house.bulk.jobs.preview({ principal, id });

  const dryRun = async (body: object) =>
    (await house.ended((await house.start({ ...body, dryRun: true })).id)).id;

  const refusal = async (work: Promise<unknown>): Promise<unknown> => {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const { code, rejection, errors } = error as QuarterdeckError;
    return rejection ?? errors?.[0]?.path ?? code;
  };

  const outcomes = async (id: string) =>
    (await house.allResults(id)).map(({ target, outcome, code }) => [target, outcome, code ?? null]);

  describe('previews', () => {
    let id: string;
    beforeAll(async () => {
      await house.stock(ids('p', 4));
      await house.run('move-crate', { crateId: 'p1', to: 'hall' });
      id = await dryRun({
        command: 'move-crate',
        input: { to: 'hall' },
        targets: [...ids('p', 4), 'gone', 'NO ID', 'p0'],
      });
    });

    test('events, outcomes and codes by number, and appends nothing but its own beginning and end', async () => {
      const found = await preview(id);
      expect(found).toMatchObject({
        id,
        command: 'move-crate',
        inverse: 'move-crate',
        irreversible: null,
        wouldAppend: [{ type: 'CrateMoved', count: 3 }],
        diffsShown: true,
      });
      expect(found.codes).toEqual([
        { outcome: 'rejected', code: 'invalid_input', count: 1 },
        { outcome: 'rejected', code: 'not_found', count: 1 },
      ]);
      const own = (await house.events()).filter(({ metadata }) => metadata.bulkJobId === id);
      expect(own.map(({ type }) => type)).toEqual(['BulkJobAccepted', 'BulkJobFinished']);
    });

    test('shows the diff of the state, with what was there before, of items that something happens to', async () => {
      const { sample } = await preview(id);
      expect(sample.map(({ target }) => target)).toEqual(['p0', 'p2', 'p3']);
      expect(sample[0]).toEqual({
        index: 0,
        target: 'p0',
        wouldAppend: ['CrateMoved'],
        diff: [
          { op: 'replace', path: '/at', value: 'hall' },
          { op: 'replace', path: '/moves', value: 1 },
        ],
        before: { '/at': 'dock', '/moves': 0 },
      });
    });

    test('shows diffs to who may give the command or look at states, and else places and codes alone', async () => {
      const reader = person('reader', ['bulk:read']);
      const shown = await preview(id, reader);
      expect(shown.diffsShown).toBe(false);
      expect(shown.sample[0]).toEqual({ index: 0, target: 'p0', wouldAppend: ['CrateMoved'] });
      const auditor = person('auditor', ['bulk:read', 'audit:replay']);
      const [seen] = (await preview(id, auditor)).sample;
      // As a replay would show it: what is internal there is left out here too.
      expect(seen).toMatchObject({
        diff: [{ op: 'replace', path: '/at', value: 'hall' }],
        before: { '/at': 'dock' },
      });
      expect(JSON.stringify(seen)).not.toContain('moves');
      const insider = person('insider', ['bulk:read', 'audit:replay', 'crates:moves']);
      expect(JSON.stringify((await preview(id, insider)).sample[0])).toContain('/moves');
      expect(await refusal(preview(id, person('nobody', [])))).toBe('not_permitted');
    });

    test('says why nothing would take the command back', async () => {
      const packed = await dryRun({ command: 'pack-crate', input: { weight: 1 }, targets: ['fresh'] });
      expect(await preview(packed)).toMatchObject({
        inverse: null,
        irreversible: 'No command is declared that takes it back.',
      });
    });

    test('only dry runs', async () => {
      const { id: real } = await house.start({
        command: 'move-crate',
        input: { to: 'hall' },
        targets: ['p1'],
      });
      expect(await refusal(preview(real))).toBe('not_a_dry_run');
      expect(await refusal(preview('none'))).toBe('not_found');
    });

    test('at most a hundred items of a large job, from all over it', async () => {
      await house.stock(ids('many', 1_500));
      const many = await dryRun({
        command: 'move-crate',
        input: { to: 'hall' },
        targets: ids('many', 1_500),
      });
      const { sample, wouldAppend } = await preview(many);
      expect(wouldAppend).toEqual([{ type: 'CrateMoved', count: 1_500 }]);
      expect(sample).toHaveLength(100);
      expect(new Set(sample.map(({ index }) => Math.floor(index / 500))).size).toBe(3);
    });

    test('keeps personal data sealed: in no table in the clear, and gone with its key', async () => {
      const job = await house.upload(
        { command: 'pack-crate', dryRun: 'true' },
        'crateId,weight,owner\nsecret-1,1,Grace Hopper',
      );
      await house.ended(job.id);
      const [shown] = (await preview(job.id)).sample;
      expect(shown?.diff).toContainEqual({ op: 'add', path: '/owner', value: 'Grace Hopper' });
      const { rows } = await db.app.query<{ text: string }>(
        `SELECT coalesce(string_agg(p::text, ''), '') || (SELECT string_agg(c::text, '') FROM bulk_chunks c WHERE job_id = $1)
          || (SELECT string_agg(r::text, '') FROM bulk_rounds r WHERE job_id = $1) AS text
         FROM bulk_previews p WHERE job_id = $1`,
        [job.id],
      );
      expect(rows[0]?.text).toContain('secret-1');
      expect(rows[0]?.text).not.toContain('Hopper');
      await db.owner.query(`UPDATE subject_keys SET wrapped = NULL WHERE subject = 'crate-secret-1'`);
      const later = await openHouse({ db, reading: false });
      const { sample } = await later.bulk.jobs.preview({ principal: ann, id: job.id });
      expect(sample).toEqual([{ index: 0, line: 2, target: 'secret-1', wouldAppend: ['CratePacked'] }]);
      await later.close();
    });
  });

  describe('is run for real', () => {
    test('with its own items and input, and the log says from where', async () => {
      await house.stock(ids('run', 700));
      const job = await house.start({
        command: 'move-crate',
        input: { to: 'hall' },
        targets: ids('run', 700),
        label: 'tidy',
        dryRun: true,
      });
      await house.ended(job.id);
      const real = await house.start({ from: job.id });
      expect(real).toMatchObject({
        command: 'move-crate',
        label: 'tidy',
        dryRun: false,
        source: 'dry-run',
        from: job.id,
        total: 700,
      });
      const done = await house.ended(real.id);
      expect(done).toMatchObject({ state: 'completed', succeeded: 700 });
      await proveFromLog(house, done);
      const [accepted] = (await house.events('BulkJobAccepted')).filter(({ data }) => data.jobId === real.id);
      expect(accepted?.data).toMatchObject({ source: 'dry-run', from: job.id, input: { to: 'hall' } });
    });

    test('but for items whose stream was changed since, whoever changed it, once or for ever', async () => {
      await house.stock(ids('since', 5));
      const id = await dryRun({ command: 'move-crate', input: { to: 'hall' }, targets: ids('since', 5) });
      await house.run('move-crate', { crateId: 'since1', to: 'attic' });
      await house.run('move-crate', { crateId: 'since3', to: 'hall' });
      await house.run('move-crate', { crateId: 'since3', to: 'dock' });
      const { id: real } = await house.start({ from: id });
      const done = await house.ended(real);
      expect(done).toMatchObject({ succeeded: 3, skipped: 2, state: 'completed' });
      expect(await outcomes(real)).toEqual([
        ['since0', 'succeeded', null],
        ['since1', 'skipped', 'changed_since_preview'],
        ['since2', 'succeeded', null],
        ['since3', 'skipped', 'changed_since_preview'],
        ['since4', 'succeeded', null],
      ]);
      await proveFromLog(house, done);
      // Run again, everything was changed: by the run before.
      const again = await house.ended((await house.start({ from: id })).id);
      expect(again).toMatchObject({ succeeded: 0, skipped: 5 });
    });

    test('with them too, where that is said', async () => {
      await house.stock(ids('even', 2));
      const id = await dryRun({ command: 'move-crate', input: { to: 'hall' }, targets: ids('even', 2) });
      await house.run('move-crate', { crateId: 'even1', to: 'attic' });
      const { id: real } = await house.start({ from: id, evenIfChanged: true, label: 'anyway' });
      expect(await house.ended(real)).toMatchObject({ succeeded: 2, skipped: 0, label: 'anyway' });
    });

    test('items of one target run on each other, within a chunk and across chunks', async () => {
      await house.stock(['twice', ...ids('fill', 600)]);
      const rows = ['twice,a', 'twice,b', ...ids('fill', 600).map((id) => `${id},loft`), 'twice,c'];
      const job = await house.upload(
        { command: 'move-crate', dryRun: 'true' },
        ['crateId,to', ...rows].join('\n'),
      );
      await house.ended(job.id);
      const done = await house.ended((await house.start({ from: job.id })).id);
      expect(done).toMatchObject({ total: 603, succeeded: 603, skipped: 0 });
      const places = (await house.log.readStreams(['crate-twice'])).slice(1).map(({ data }) => data.to);
      expect(places).toEqual(['a', 'b', 'c']);
      await proveFromLog(house, done);
    });

    test('what the dry run refused is refused again, and what it could not decide is left alone', async () => {
      await house.stock(['ok', 'bad']);
      const rows = 'crateId,to\nok,hall\nNO ID,hall\nbad,broken\nok,nowhere';
      const job = await house.upload({ command: 'move-crate', dryRun: 'true' }, rows);
      expect(await house.ended(job.id)).toMatchObject({ succeeded: 1, rejected: 2, failed: 1 });
      mendDecider();
      const { id } = await house.start({ from: job.id });
      await house.ended(id);
      expect(await outcomes(id)).toEqual([
        ['ok', 'succeeded', null],
        [null, 'rejected', 'invalid_input'],
        ['bad', 'skipped', 'not_previewed'],
        ['ok', 'rejected', 'no_such_place'],
      ]);
    });

    test('once under one idempotency key', async () => {
      await house.stock(['keyed']);
      const from = await dryRun({ command: 'move-crate', input: { to: 'hall' }, targets: ['keyed'] });
      const start = () =>
        house.bulk.accept.fromBody({ principal: ann, idempotencyKey: 'from-1', body: { from } });
      const [first, second] = [await start(), await start()];
      expect(second).toMatchObject({ replayed: true, job: { id: first.job.id } });
    });

    test('not by who may not give the command, and not a job that is none', async () => {
      await house.stock(['refused']);
      const from = await dryRun({ command: 'move-crate', input: { to: 'hall' }, targets: ['refused'] });
      const { id: real } = await house.start({ from });
      const start = (body: object, grants = everything) =>
        refusal(house.start(body, person('other', grants)));
      expect(await start({ from }, ['bulk:run'])).toBe('not_permitted');
      expect(await start({ from }, ['crates:*'])).toBe('not_permitted');
      expect(await start({ from: 'none' })).toBe('from');
      expect(await start({ from: '\0' })).toBe('from');
      expect(await start({ from: 3 })).toBe('from');
      expect(await start({ from: real })).toBe('not_a_dry_run');
      expect(await start({ from, evenIfChanged: 'yes' })).toBe('evenIfChanged');
      expect(await start({ from, command: 'move-crate' })).toBe('command');
      expect(await start({ from, expectedCount: 2 })).toBe('expectedCount');
    });

    test('not before it has ended, and never one that was cancelled', async () => {
      const idle = await openHouse({ db, reading: false });
      try {
        await house.stock(['open']);
        const body = { command: 'move-crate', input: { to: 'hall' }, targets: ['open'], dryRun: true };
        await house.bulk.stop();
        const { id } = await idle.start(body);
        expect(await refusal(idle.start({ from: id }))).toBe('job_not_ended');
        await idle.bulk.jobs.cancel({ principal: ann, id });
        expect(await refusal(idle.start({ from: id }))).toBe('preview_incomplete');
      } finally {
        await idle.close();
      }
    });
  });
});
