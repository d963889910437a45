import { createPolling } from '../../src/workers/polling.ts';
import { until } from '../setup/until.ts';

const never = 1_000_000;

const pollingWith = (restMs: number) => {
  const looks: number[] = [];
  const polling = createPolling({
    look: async () => void looks.push(performance.now()),
    everyMs: never,
    restMs,
    onError: (error) => {
      throw error;
    },
    doing: 'looking',
  });
  return { looks, polling };
};

test('however often it is woken, a look begins no sooner after the one before than the rest says', async () => {
  const { looks, polling } = pollingWith(40);
  polling.start();
  while (looks.length < 4) {
    polling.wake();
    await new Promise(setImmediate);
  }
  await polling.stop();
  const pauses = looks.slice(1).map((at, n) => at - (looks[n] ?? 0));
  // A timer may be a millisecond early.
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(38);
});

test('a call during the rest is not lost', async () => {
  const { looks, polling } = pollingWith(40);
  polling.start();
  await until(async () => looks.length === 1);
  polling.wake();
  polling.wake();
  await until(async () => looks.length === 2);
  await polling.stop();
  expect(looks).toHaveLength(2);
});

test('stopped during the rest it looks no more', async () => {
  const { looks, polling } = pollingWith(never);
  polling.start();
  await until(async () => looks.length === 1);
  polling.wake();
  await polling.stop();
  expect(looks).toHaveLength(1);
});
