import { setTimeout as sleep } from 'node:timers/promises';
import { createQueues } from '../../src/workers/queues.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { describeWhere } from '../setup/needs.ts';
import { backends, type StartedBackend } from './backends.ts';
import { ann, everything, type House, ids, openHouse, person, proveFromLog } from './house.ts';

for (const backend of backends) {
  describeWhere(backend.need, `Bulk ${backend.name}`, () => {
    let db: TestDatabase;
    let queue: StartedBackend;
    let house: House;

    beforeAll(async () => {
      db = await testDatabase();
      queue = await backend.start();
      house = await openHouse({ db, redisUrl: queue.redisUrl });
      await house.bulk.start();
    });
    afterAll(async () => {
      await house.close();
      await queue.stop();
      await db.drop();
    });

    test('a file becomes events, each item once, and the counts sum to the total', async () => {
      const rows = ids('csv-', 1_234).map((id, n) => `${id},${n + 1}`);
      const job = await house.upload(
        { command: 'pack-crate', label: 'spring' },
        ['crateId,weight', ...rows].join('\n'),
      );
      expect(job).toMatchObject({
        total: 1_234,
        label: 'spring',
        source: 'csv',
        dryRun: false,
      });
      const done = await house.ended(job.id);
      // Above 1,000 a permission is needed that ann has.
      expect(done).toMatchObject({
        state: 'completed',
        succeeded: 1_234,
        rejected: 0,
        failed: 0,
        etaSeconds: null,
      });
      expect(done.requestedBy).toEqual({ id: ann.id, kind: 'person', name: ann.name, email: ann.email });
      await proveFromLog(house, done);
    });

    test('targets run with a common input; a rule that says no and one with nothing to do are outcomes', async () => {
      await house.stock(ids('t', 3));
      await house.run('move-crate', { crateId: 't1', to: 'hall' });
      const job = await house.start({
        command: 'move-crate',
        input: { to: 'hall' },
        targets: ['t0', 't1', 'unknown', 't2', 'NOT AN ID'],
      });
      const done = await house.ended(job.id);
      expect(done).toMatchObject({
        total: 5,
        succeeded: 2,
        unchanged: 1,
        rejected: 2,
        failed: 0,
        state: 'completed',
      });
      const results = await house.allResults(job.id);
      expect(results.map(({ index, target, outcome, code }) => [index, target, outcome, code])).toEqual([
        [0, 't0', 'succeeded', undefined],
        [1, 't1', 'unchanged', undefined],
        [2, 'unknown', 'rejected', 'not_found'],
        [3, 't2', 'succeeded', undefined],
        // What is no id is kept nowhere: it may be anything, an e-mail address for one.
        [4, null, 'rejected', 'invalid_input'],
      ]);
      await proveFromLog(house, done);
    });

    test('a filter selects at or beyond the head of the log, and the job says where', async () => {
      await house.stock(ids('where', 30));
      const before = await house.log.head();
      await house.run('move-crate', { crateId: 'where7', to: 'annex' });
      await house.run('move-crate', { crateId: 'where8', to: 'annex' });
      const job = await house.start({
        command: 'move-crate',
        input: { to: 'yard' },
        where: { at: 'annex' },
        expectedCount: 2,
      });
      expect(job.frozenAt).toBeGreaterThan(before.position);
      const done = await house.ended(job.id);
      expect(done).toMatchObject({ total: 2, succeeded: 2, source: 'where', where: { at: 'annex' } });
      expect((await house.allResults(job.id)).map(({ target }) => target)).toEqual(['where7', 'where8']);
    });

    test('acts as the requester, carried out by the system, in connection with the job', async () => {
      await house.stock(['meta']);
      const { job } = await house.bulk.accept.fromBody({
        principal: ann,
        reason: 'tidying up',
        reference: 'OPS-1',
        body: { command: 'move-crate', input: { to: 'attic' }, targets: ['meta'] },
      });
      await house.ended(job.id);
      const event = (await house.log.readStreams(['crate-meta'])).at(-1);
      expect(event?.metadata).toMatchObject({
        actor: { id: ann.id, kind: 'person' },
        executor: { id: 'system', kind: 'system' },
        tool: 'console',
        command: 'move-crate',
        correlationId: job.id,
        bulkJobId: job.id,
        reason: 'tidying up',
        reference: 'OPS-1',
        email: 'ann@example.test',
      });
      expect(event?.metadata.sessionId).toBeUndefined();
    });

    test('items of one target decide in input order on the evolving state, also across chunks', async () => {
      await house.stock(['order', ...ids('between', 700)]);
      const hop = (to: string): string => `order,${to}`;
      const others = ids('between', 700).map((id) => `${id},loft`);
      const rows = [hop('a'), hop('b'), ...others, hop('c'), hop('nowhere'), hop('c'), hop('d')];
      const job = await house.upload({ command: 'move-crate' }, ['crateId,to', ...rows].join('\n'));
      const done = await house.ended(job.id);
      expect(done).toMatchObject({ total: 706, succeeded: 704, rejected: 1, unchanged: 1 });
      const places = (await house.log.readStreams(['crate-order'])).slice(1).map((e) => e.data.to);
      expect(places).toEqual(['a', 'b', 'c', 'd']);
      await proveFromLog(house, done);
    });

    test('a dry run says what would happen to each item and appends nothing of it', async () => {
      await house.stock(ids('dry', 2));
      const job = await house.start({
        command: 'move-crate',
        input: { to: 'cellar' },
        targets: ['dry0', 'gone', 'dry1'],
        dryRun: true,
      });
      const done = await house.ended(job.id);
      expect(done).toMatchObject({ state: 'completed', dryRun: true, succeeded: 2, rejected: 1 });
      expect((await house.allResults(job.id, 'succeeded'))[0]).toMatchObject({
        wouldAppend: ['CrateMoved'],
        positions: [],
      });
      expect(await house.log.readStreams(['crate-dry0', 'crate-dry1'])).toHaveLength(2);
      expect((await house.events('BulkItemsDecided')).filter((e) => e.data.jobId === job.id)).toEqual([]);
    });

    test('delivered many times, at the same time and again later, a chunk takes effect once', async () => {
      const all = ids('twice', 1_200);
      await house.stock(all);
      const second = house.openBulk();
      await second.start();
      const queues = createQueues<{ jobId: string; chunk: number }>({
        queue: 'bulk',
        redisUrl: queue.redisUrl,
        databaseUrl: db.applicationUrl,
        concurrency: 1,
        onError: () => undefined,
      });
      const job = await house.start({ command: 'move-crate', input: { to: 'shelf' }, targets: all });
      // Under ids of their own, so that the queue takes none of them for a repetition.
      const again = (from: number) =>
        queues.add(
          [0, 1, 2].flatMap((chunk) =>
            [1, 2, 3, 4].map((n) => ({
              id: `${job.id}-${chunk}-${from + n}`,
              data: { jobId: job.id, chunk },
            })),
          ),
        );
      await again(100);
      await again(200);
      const done = await house.ended(job.id);
      await again(300);
      await sleep(300);
      expect(done).toMatchObject({ succeeded: 1_200 });
      await proveFromLog(house, done);
      await second.stop();
      await queues.close();
    });

    test('a job without items completes at once', async () => {
      const job = await house.start({ command: 'move-crate', input: { to: 'x' }, targets: [] });
      expect(job).toMatchObject({ state: 'completed', total: 0 });
      expect(job.finishedAt).not.toBeNull();
    });

    test('a paused job stands still, a resumed one goes on where it stood', async () => {
      const all = ids('pause', 3_000);
      const text = ['crateId,weight', ...all.map((id) => `${id},1`)].join('\n');
      const job = await house.upload({ command: 'pack-crate' }, text);
      await house.until(job.id, ({ succeeded }) => succeeded > 0);
      const paused = await house.bulk.jobs.pause({ principal: ann, id: job.id });
      expect(paused.state).toBe('paused');
      const packed = (await house.events('CratePacked')).filter(
        (e) => e.metadata.bulkJobId === job.id,
      ).length;
      expect(packed).toBe(paused.succeeded);
      await sleep(300);
      expect(await house.bulk.jobs.get({ principal: ann, id: job.id })).toMatchObject({
        state: 'paused',
        succeeded: packed,
      });
      expect((await house.bulk.jobs.pause({ principal: ann, id: job.id })).state).toBe('paused');
      expect((await house.bulk.jobs.resume({ principal: ann, id: job.id })).state).toBe('running');
      const done = await house.ended(job.id);
      expect(done).toMatchObject({ state: 'completed', succeeded: 3_000 });
      await proveFromLog(house, done);
      expect(
        (await house.events('BulkJobPaused', 'BulkJobResumed')).filter((e) => e.data.jobId === job.id),
      ).toHaveLength(2);
    });

    test('nothing commits after a cancel; what was not decided is cancelled', async () => {
      const all = ids('cancel', 3_000);
      const job = await house.upload(
        { command: 'pack-crate' },
        ['crateId,weight', ...all.map((id) => `${id},1`)].join('\n'),
      );
      await house.until(job.id, ({ succeeded }) => succeeded > 0);
      const cancelled = await house.bulk.jobs.cancel({ principal: ann, id: job.id });
      expect(cancelled.state).toBe('cancelled');
      expect(cancelled.succeeded + cancelled.cancelled).toBe(3_000);
      expect(cancelled.cancelled).toBeGreaterThan(0);
      const { position } = (await house.events('BulkJobCancelled')).find((e) => e.data.jobId === job.id) ?? {
        position: 0,
      };
      await sleep(300);
      const later = (await house.events()).filter(
        (e) => e.metadata.bulkJobId === job.id && e.position > position,
      );
      expect(later).toEqual([]);
      const results = await house.allResults(job.id);
      expect(results.map(({ index }) => index)).toEqual(all.map((_, n) => n));
      expect(results.filter(({ outcome }) => outcome === 'cancelled')).toHaveLength(cancelled.cancelled);
      await proveFromLog(house, cancelled);
      await expect(house.bulk.jobs.resume({ principal: ann, id: job.id })).rejects.toMatchObject({
        code: 'rejected',
        rejection: 'job_ended',
      });
    });

    test('a requester who lost the permission pauses the job, and having it again it goes on', async () => {
      const bob = person('bob');
      await house.stock(['lost']);
      house.people.set(bob.id, person('bob', ['bulk:*']));
      const { job } = await house.bulk.accept.fromBody({
        principal: bob,
        body: { command: 'move-crate', input: { to: 'roof' }, targets: ['lost'] },
      });
      const paused = await house.until(job.id, ({ state }) => state === 'paused');
      expect(paused.pausedReason).toBe('requester_not_permitted');
      expect(await house.log.readStreams(['crate-lost'])).toHaveLength(1);
      house.people.set(bob.id, person('bob', everything));
      await house.bulk.jobs.resume({ principal: ann, id: job.id });
      expect(await house.ended(job.id)).toMatchObject({ succeeded: 1 });
    });

    test('an item that needs a further permission is rejected alone', async () => {
      const cy = person('cy', ['bulk:*', 'crates:pack']);
      house.people.set(cy.id, cy);
      const { job } = await house.bulk.accept.fromUpload({
        principal: cy,
        mediaType: 'application/x-ndjson',
        query: { command: 'pack-crate' },
        content: (async function* () {
          yield Buffer.from('{"crateId":"light","weight":1}\n{"crateId":"heavy","weight":5000}\n');
        })(),
      });
      expect(await house.ended(job.id)).toMatchObject({ succeeded: 1, rejected: 1 });
      expect(await house.allResults(job.id, 'rejected')).toMatchObject([
        { index: 1, line: 2, code: 'not_permitted' },
      ]);
    });

    test('two jobs share the workers: the later small one does not wait for the earlier large one', async () => {
      const large = ids('large', 20_000);
      const job = await house.upload(
        { command: 'pack-crate' },
        ['crateId,weight', ...large.map((id) => `${id},1`)].join('\n'),
      );
      await house.until(job.id, ({ succeeded }) => succeeded > 0);
      const small = await house.upload({ command: 'pack-crate' }, 'crateId,weight\nsmall1,1\nsmall2,1\n');
      await house.ended(small.id);
      const still = await house.bulk.jobs.get({ principal: ann, id: job.id });
      expect(still.finishedAt).toBeNull();
      await house.bulk.jobs.cancel({ principal: ann, id: job.id });
    });

    test('progress is told while it happens, and ends with the end', async () => {
      const heard: string[] = [];
      const stop = house.bulk.onProgress((jobs) => {
        for (const job of jobs) if (job.total === 4_000) heard.push(`${job.state} ${job.succeeded}`);
      });
      const text = ['crateId,weight', ...ids('watched', 4_000).map((id) => `${id},1`)].join('\n');
      const job = await house.upload({ command: 'pack-crate', label: 'watched' }, text);
      await house.ended(job.id);
      while (!heard.includes('completed 4000')) await sleep(20);
      stop();
      expect(new Set(heard).size).toBeGreaterThan(2);
    });
  });
}
