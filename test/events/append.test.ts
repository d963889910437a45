import { createHash } from 'node:crypto';
import type { RunningLog } from '../../src/events/event-log.ts';
import type { Unit } from '../../src/events/unit.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { add, counted, metadata, openLog } from './testbed.ts';

describe('appending', () => {
  let db: TestDatabase;
  let log: RunningLog;
  beforeAll(async () => {
    db = await testDatabase();
    log = await openLog(db.app);
  });
  afterAll(async () => {
    await log.stop();
    await db.drop();
  });

  const all = async () => (await log.read({ after: 0, limit: 10_000 })).events;
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const keyed = (stream: string, key: string): Partial<Unit> => ({
    keys: [{ key: hash(key), fingerprint: hash('f'), answer: { stream }, firstEvent: 0 }],
  });

  test('positions have no gaps and follow the order of commits, whatever is refused in between', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 300 }, (_, i) => log.append(add(`counter-gap${i % 40}`, i % 3 === 0 ? 'any' : 0))),
    );
    const accepted = outcomes.filter((o) => o.accepted);
    expect(outcomes.length - accepted.length).toBeGreaterThan(0);
    const events = await all();
    expect(events.map((e) => e.position)).toEqual(events.map((_, i) => i + 1));
    expect(events.length).toBe(accepted.length);
  });

  test('recordedAt grows with every position, so that a time maps to exactly one position', async () => {
    await log.append({
      ...add('counter-time', 'any'),
      events: [counted('counter-time'), counted('counter-time')],
    });
    const events = await all();
    events.slice(1).forEach((event, i) => {
      expect(event.recordedAt > (events[i]?.recordedAt ?? '')).toBe(true);
    });
    for (const event of events.slice(-5)) expect(await log.positionAt(event.recordedAt)).toBe(event.position);
    expect(await log.positionAt('1999-01-01T00:00:00.000000Z')).toBe(0);
  });

  test('a unit whose base is not the version is refused whole, and says which stream conflicts', async () => {
    await log.append(add('counter-base', 0));
    const outcome = await log.append({
      ...add('counter-base', 0),
      events: [counted('counter-base'), counted('counter-base')],
    });
    expect(outcome).toEqual({ accepted: false, cause: 'conflict', stream: 'counter-base' });
    expect((await log.readStreams(['counter-base'])).length).toBe(1);
  });

  test('a stream that was only read is a condition too', async () => {
    await log.append(add('counter-read', 0));
    const reading = (version: number) =>
      add('counter-reader', 'any', { reads: [{ stream: 'counter-read', version }] });
    expect(await log.append(reading(0))).toMatchObject({
      accepted: false,
      cause: 'conflict',
      stream: 'counter-read',
    });
    expect(await log.append(reading(1))).toMatchObject({ accepted: true });
  });

  test('64 clients race for the same version: exactly one wins, and nobody is told a lie', async () => {
    const outcomes = await Promise.all(Array.from({ length: 64 }, () => log.append(add('counter-race', 0))));
    expect(outcomes.filter((o) => o.accepted).length).toBe(1);
    expect((await log.readStreams(['counter-race'])).length).toBe(1);
  });

  test('writes with any share a stream and a batch', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () => log.append(add('counter-any', 'any'))),
    );
    expect(outcomes.every((o) => o.accepted)).toBe(true);
    const versions = (await log.readStreams(['counter-any'])).map((e) => e.version);
    expect(versions).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  test('an idempotency key is used once, even by concurrent units', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        log.append(add(`counter-key${i}`, 0, keyed(`counter-key${i}`, 'k1'))),
      ),
    );
    expect(outcomes.filter((o) => o.accepted).length).toBe(1);
    expect(outcomes.filter((o) => !o.accepted && o.cause === 'duplicate').length).toBe(9);
    const { rows } = await db.app.query(
      'SELECT answer, first_position FROM idempotency_keys WHERE key = $1',
      [hash('k1')],
    );
    const events = await log.readStreams([rows[0].answer.stream]);
    expect(events.map((e) => e.position)).toEqual([rows[0].first_position]);
  });

  test('a claim is held by one until it is released', async () => {
    const claim = { claims: [{ key: hash('email'), code: 'email_taken' }] };
    expect(await log.append(add('counter-c1', 0, claim))).toMatchObject({ accepted: true });
    expect(await log.append(add('counter-c2', 0, claim))).toEqual({
      accepted: false,
      cause: 'claimed',
      code: 'email_taken',
    });
    expect(await log.append(add('counter-c1', 1, { releases: [hash('email')] }))).toMatchObject({
      accepted: true,
    });
    expect(await log.append(add('counter-c2', 0, claim))).toMatchObject({ accepted: true });
  });

  test('poison fails alone: a unit that cannot be stored does not take its batch with it', async () => {
    const poison = {
      ...add('counter-poison', 'any'),
      events: [{ ...counted('counter-poison'), type: 'Unheard' }],
    };
    const results = await Promise.allSettled([
      ...Array.from({ length: 20 }, (_, i) => log.append(add(`counter-well${i}`, 0))),
      log.append(poison),
      ...Array.from({ length: 20 }, (_, i) => log.append(add(`counter-well${i + 20}`, 0))),
    ]);
    expect(results.filter((r) => r.status === 'rejected').length).toBe(1);
    expect(results[20]?.status).toBe('rejected');
  });

  test('a NUL character and half a surrogate pair are refused before anything is sent', async () => {
    for (const bad of ['a\0b', 'a\ud800b']) {
      const unit = {
        ...add('counter-nul', 'any'),
        events: [{ ...counted('counter-nul'), data: { counter: bad, by: 1 } }],
      };
      await expect(log.append(unit)).rejects.toMatchObject({ code: 'invalid_input' });
    }
    const fine = { counter: 'back\\u0000slash', by: 1 };
    const unit = { ...add('counter-nul', 'any'), events: [{ ...counted('counter-nul'), data: fine }] };
    expect(await log.append(unit)).toMatchObject({ accepted: true });
    expect((await log.readStreams(['counter-nul']))[0]?.data).toEqual(fine);
  });

  test('a unit of more than 1,000 events is appended whole', async () => {
    const events = Array.from({ length: 2_500 }, () => counted('counter-large'));
    expect(await log.append({ ...add('counter-large', 0), events })).toMatchObject({ accepted: true });
    expect((await log.readStreams(['counter-large'])).at(-1)?.version).toBe(2_500);
  });

  test('metadata comes back as it was given', async () => {
    const given = metadata({
      command: 'count',
      reason: 'because',
      email: 'a@b.test',
      ip: '10.0.0.1',
      reference: 'T-1',
    });
    await log.append({
      ...add('counter-meta', 0),
      events: [{ ...counted('counter-meta'), metadata: given }],
    });
    expect((await log.readStreams(['counter-meta']))[0]?.metadata).toEqual(given);
  });
});
