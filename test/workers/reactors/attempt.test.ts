/** One attempt at one event: it ends in time, and leaves nothing behind. */
import { getEventListeners } from 'node:events';
import type { RecordedEvent } from '../../../src/events/envelope.ts';
import { createAttempting } from '../../../src/workers/reactors/attempt.ts';
import { defineReactor, type HandleEvent } from '../../../src/workers/reactors/definition.ts';
import type { Parts } from '../../../src/workers/reactors/parts.ts';

const attempting = createAttempting({} as Pick<Parts, 'commands'>);
const event = { id: 'an id', position: 1 } as RecordedEvent;

const attempt = (handle: HandleEvent, ending: AbortSignal): Promise<void> =>
  attempting(
    defineReactor({ name: 'one', summary: 'Under test.', events: ['BellRung'], handle, timeoutSeconds: 1 }),
    event,
    1,
    ending,
  );

/** What Node.js keeps of signals that were made from this one, for as long as this one lives. */
const keptIn = (signal: AbortSignal): number =>
  Object.getOwnPropertySymbols(signal)
    .map((name) => (signal as unknown as Record<symbol, { readonly size?: number } | undefined>)[name])
    .reduce((sum, value) => sum + (value?.size ?? 0), 0);

test('one that never ends is told to, and left when its time is over', async () => {
  let told = false;
  const handle: HandleEvent = (_event, { signal }) => {
    signal.addEventListener('abort', () => {
      told = true;
    });
    return new Promise(() => undefined);
  };
  await expect(attempt(handle, new AbortController().signal)).rejects.toThrow('No answer within 1000 ms.');
  expect(told).toBe(true);
});

test('the end of the process ends it', async () => {
  const ending = new AbortController();
  const hanging = attempt(() => new Promise(() => undefined), ending.signal);
  ending.abort(new Error('The process ends.'));
  await expect(hanging).rejects.toThrow('The process ends.');
  await expect(attempt(() => new Promise(() => undefined), ending.signal)).rejects.toThrow(
    'The process ends.',
  );
});

test('nothing of it is kept: a process makes millions of them', async () => {
  const { signal } = new AbortController();
  const before = keptIn(signal);
  for (let n = 0; n < 10; n++) await attempt(async () => undefined, signal);
  await expect(attempt(() => Promise.reject(new Error('down')), signal)).rejects.toThrow('down');
  expect(keptIn(signal)).toBe(before);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
