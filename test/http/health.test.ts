/** Readiness tells of what is missing, and not of being busy. */
import { type HealthCheck, judging } from '../../src/http/health.ts';

const checkOf = (more: Partial<HealthCheck> = {}) => {
  const state: { missing: string | undefined; hold: Promise<void> | undefined; asked: number } = {
    missing: undefined,
    hold: undefined,
    asked: 0,
  };
  let time = 0;
  const check: HealthCheck = {
    name: 'database',
    missing: async () => {
      state.asked++;
      await state.hold;
      return state.missing;
    },
    ...more,
  };
  return {
    state,
    judge: judging(check, () => time),
    pass: (ms: number) => {
      time += ms;
    },
  };
};

const held = () => {
  let release = (): void => undefined;
  const hold = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { hold, release: () => release() };
};

test('what is missing is told at once, also just after all was well', async () => {
  const { state, judge } = checkOf();
  expect(await judge()).toBeUndefined();
  state.missing = 'Migrations are missing.';
  expect(await judge()).toBe('Migrations are missing.');
});

test('a check that is late is busy as long as it was well lately, and missing after that', async () => {
  const { state, judge, pass } = checkOf();
  expect(await judge()).toBeUndefined();
  const { hold, release } = held();
  state.hold = hold;
  pass(29_999);
  expect(await judge()).toBeUndefined();
  pass(1);
  expect(await judge()).toBe('no answer within 1 s');
  // However many ask meanwhile, it is made once.
  expect(state.asked).toBe(2);
  release();
});

test('a check that is late from the first on is missing until it has answered', async () => {
  const { state, judge } = checkOf();
  const { hold, release } = held();
  state.hold = hold;
  expect(await judge()).toBe('no answer within 1 s');
  release();
  state.hold = undefined;
  expect(await judge()).toBeUndefined();
});

test('what passes by itself is told once it has lasted, and at once where it never was well', async () => {
  const { state, judge, pass } = checkOf({ passes: true });
  state.missing = 'Notifications are not heard.';
  expect(await judge()).toBe('Notifications are not heard.');
  state.missing = undefined;
  expect(await judge()).toBeUndefined();
  state.missing = 'Notifications are not heard.';
  pass(29_999);
  expect(await judge()).toBeUndefined();
  pass(1);
  expect(await judge()).toBe('Notifications are not heard.');
});
