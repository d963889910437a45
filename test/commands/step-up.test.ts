/** Commands that need a fresh sign-in. */
import { z } from 'zod';
import { type Principal, permissions, systemPrincipal } from '../../src/access/principal.ts';
import { defineCommand } from '../../src/commands/definition.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { Filled, jarId, jars, openWriteSide, tester } from './testbed.ts';

const smash = defineCommand({
  name: 'smash-jar',
  summary: 'Smash a jar.',
  input: z.object({ jarId }),
  stream: jars,
  id: (input) => input.jarId,
  permission: 'jars:fill',
  needs: { freshSignInMinutes: 5 },
  decide: ({ jarId }) => [Filled.of({ jarId, by: 1 })],
});

let db: TestDatabase;
let side: Awaited<ReturnType<typeof openWriteSide>>;
beforeAll(async () => {
  db = await testDatabase();
  side = await openWriteSide(db.app, [smash]);
});
afterAll(async () => {
  await side.log.stop();
  await db.drop();
});

const minutes = 60_000;
const signedIn = (ago: number): Principal => ({
  ...tester(['jars:fill']),
  authenticatedAt: Date.now() - ago,
});
const smashing = (principal: Principal, dryRun = false) =>
  side.ask('smash-jar', { jarId: 'a' }, { principal, dryRun });
const refusal = {
  code: 'reauthentication_required',
  message: 'This needs a sign-in not older than 5 minutes: sign in once more, then send it again.',
  extra: { maxAgeSeconds: 300 },
};

test('a person who signed in lately carries it out', async () => {
  await expect(smashing(signedIn(4 * minutes))).resolves.toMatchObject({ kind: 'done' });
});

test('a person whose sign-in is older is told to sign in once more, and that is on record', async () => {
  await expect(smashing(signedIn(6 * minutes))).rejects.toMatchObject(refusal);
  const { events } = await side.log.read({ after: 0, limit: 100, types: ['CommandRefused'] });
  expect(events.at(-1)?.data).toMatchObject({ command: 'smash-jar', code: 'reauthentication_required' });
});

test('a dry run needs it too: it shows what only such a person may see', async () => {
  await expect(smashing(signedIn(6 * minutes), true)).rejects.toMatchObject(refusal);
  await expect(smashing(signedIn(minutes), true)).resolves.toMatchObject({ kind: 'dry-run' });
});

test('a service, which has no sign-in, never carries it out', async () => {
  const service: Principal = {
    id: 'service:cleaner',
    kind: 'service',
    roles: [],
    permissions: permissions(['*']),
    tool: 'cleaner',
  };
  await expect(smashing(service)).rejects.toMatchObject({
    ...refusal,
    message:
      'This needs a sign-in not older than 5 minutes, and a service has none: it is for a person to do.',
  });
});

test('the system itself does: it acts for nobody', async () => {
  await expect(smashing(systemPrincipal)).resolves.toMatchObject({ kind: 'done' });
});

test('the catalogue says so', () => {
  const [entry] = side.pipeline.catalogue(tester([]));
  expect(entry).toMatchObject({ name: 'smash-jar', freshSignInMinutes: 5 });
});
