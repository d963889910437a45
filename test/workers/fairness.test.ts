/** Jobs beside each other share the workers by turns and by weight, on every queue. */
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { describeWhere } from '../setup/needs.ts';
import { backends, type StartedBackend } from './backends.ts';
import { ann, type House, ids, openHouse, proveFromLog } from './house.ts';

const packing = (prefix: string, count: number): string =>
  ['crateId,weight', ...ids(prefix, count).map((id) => `${id},1`)].join('\n');

for (const backend of backends) {
  describeWhere(backend.need, `Fairness ${backend.name}`, () => {
    let db: TestDatabase;
    let queue: StartedBackend;
    let house: House;

    beforeAll(async () => {
      db = await testDatabase();
      queue = await backend.start();
      house = await openHouse({ db, redisUrl: queue.redisUrl });
    });
    afterAll(async () => {
      await house.close();
      await queue.stop();
      await db.drop();
    });

    test('weights of 1 to 3 give about 1 to 3 of what is decided', async () => {
      const low = await house.upload({ command: 'pack-crate', priority: 'low' }, packing('low', 12_000));
      const normal = await house.upload({ command: 'pack-crate' }, packing('normal', 12_000));
      expect([low.priority, normal.priority]).toEqual(['low', 'normal']);
      await house.bulk.start();
      const { succeeded } = await house.until(normal.id, (job) => job.succeeded >= 9_000);
      const beside = (await house.bulk.jobs.get({ principal: ann, id: low.id })).succeeded;
      expect(succeeded / beside).toBeGreaterThan(2);
      expect(succeeded / beside).toBeLessThan(4.5);
      for (const { id } of [low, normal]) {
        const done = await house.ended(id);
        expect(done.succeeded).toBe(12_000);
        await proveFromLog(house, done);
      }
    });

    test('a job of 100 items accepted after one of 20,000 ends long before it', async () => {
      const large = await house.upload({ command: 'pack-crate' }, packing('large', 20_000));
      await house.until(large.id, ({ succeeded }) => succeeded > 0);
      const small = await house.upload({ command: 'pack-crate' }, packing('small', 100));
      expect(await house.ended(small.id)).toMatchObject({ succeeded: 100 });
      const still = await house.bulk.jobs.get({ principal: ann, id: large.id });
      expect(still.finishedAt).toBeNull();
      expect(still.succeeded).toBeLessThan(10_000);
      await house.bulk.jobs.cancel({ principal: ann, id: large.id });
    });
  });
}
