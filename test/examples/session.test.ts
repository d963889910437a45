/** The cookie that examples and documents are tried with. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ask, type Running, startQuarterdeck } from '../contract/running.ts';

let running: Running;
beforeAll(async () => {
  running = await startQuarterdeck();
});
afterAll(() => running.stop());

const session = (...words: readonly string[]) =>
  promisify(execFile)('examples/session.sh', words, { env: { ...process.env, URL: running.base } });

test.each([
  [[], 'admin'],
  [['compliance@dev.test'], 'compliance'],
])('session.sh %j prints the cookie of a session of that person, and nothing else', async (words, role) => {
  const { stdout, stderr } = await session(...words);
  expect([stdout, stderr]).toEqual([expect.stringMatching(/^quarterdeck=[\w-]+\n$/), '']);
  const { status, body } = await ask(running.base, stdout.trim(), { path: '/internal/v1/me' });
  expect([status, body.roles]).toEqual([200, [role]]);
});

test('somebody whom the provider does not know is told in a sentence, with an exit code', async () => {
  await expect(session('nobody@dev.test')).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/signs in nobody called nobody@dev\.test/),
  });
});
