import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { describeWhere } from '../setup/needs.ts';
import { backends, type StartedBackend } from './backends.ts';
import { ann, type House, ids, openHouse, proveFromLog } from './house.ts';

const script = path.join(import.meta.dirname, 'worker-process.ts');
const killings = 3;
const items = 6_000;

for (const backend of backends) {
  describeWhere(backend.need, `A worker that is killed ${backend.name}`, () => {
    let db: TestDatabase;
    let queue: StartedBackend;
    let house: House;
    const children: ChildProcess[] = [];

    beforeAll(async () => {
      db = await testDatabase();
      queue = await backend.start();
      // This process accepts and looks; it runs no workers.
      house = await openHouse({ db, redisUrl: queue.redisUrl });
    });
    afterAll(async () => {
      for (const child of children) child.kill('SIGKILL');
      await house.close();
      await queue.stop();
      await db.drop();
    });

    const startWorker = async (): Promise<ChildProcess> => {
      const settings = JSON.stringify({ applicationUrl: db.applicationUrl, redisUrl: queue.redisUrl });
      const child = spawn(process.execPath, ['--import', 'tsx', script, settings], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      children.push(child);
      if (child.stdout !== null) await once(createInterface(child.stdout), 'line');
      return child;
    };

    test('is replaced by another, and every item took effect exactly once', async () => {
      const rows = ids('killed', items).map((id) => `${id},1`);
      const job = await house.upload({ command: 'pack-crate' }, ['crateId,weight', ...rows].join('\n'));
      let outstanding = items;
      for (let n = 0; n < killings; n++) {
        const worker = await startWorker();
        const before = items - outstanding;
        await house.until(job.id, ({ succeeded }) => succeeded > before);
        worker.kill('SIGKILL');
        await once(worker, 'exit');
        outstanding = items - (await house.bulk.jobs.get({ principal: ann, id: job.id })).succeeded;
        expect(outstanding).toBeGreaterThan(0);
      }
      await startWorker();
      const done = await house.ended(job.id);
      expect(done).toMatchObject({ state: 'completed', succeeded: items });
      await proveFromLog(house, done);
    });
  });
}
