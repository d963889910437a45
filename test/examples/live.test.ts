/** Live updates by the callers in `examples`, with the token of a service that proves itself by its key. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { account } from '../contract/bad-input.ts';
import { ask, type Running, startQuarterdeck } from '../contract/running.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'quarterdeck-live-'));
const key = join(folder, 'watcher.pem');
const callers: ChildProcess[] = [];

let running: Running;
let token: string;
beforeAll(async () => {
  const { stdout: publicKey } = await run('examples/service-key.sh', [key]);
  const policy = join(folder, 'policy.yaml');
  const tool = [
    '  watcher:',
    '    kind: service',
    '    scope: [accounts:read]',
    '    keys:',
    `      ${publicKey}`,
  ];
  writeFileSync(
    policy,
    readFileSync('access-policy.yaml', 'utf8').replace('tools:\n', `tools:\n${tool.join('\n')}`),
  );
  running = await startQuarterdeck({ QUARTERDECK_ACCESS_POLICY: policy });
  token = (await run('examples/service-token.sh', [running.base, 'watcher', key])).stdout.trim();
  await command('open-account', account({ accountId: 'live-1' }));
});
afterAll(async () => {
  for (const caller of callers) caller.kill();
  await running.stop();
  rmSync(folder, { recursive: true });
});

const command = async (name: string, body: object): Promise<void> => {
  const cookie = await running.cookieOf('admin');
  const answer = await ask(running.base, cookie, { path: `/internal/v1/commands/${name}`, body });
  expect([name, answer.status]).toEqual([name, 200]);
};

const start = (program: string, file: string, topic: string, bearer = token) => {
  const caller = spawn(program, [file, running.base, topic], {
    env: { ...process.env, NODE_OPTIONS: '', QUARTERDECK_TOKEN: bearer },
  });
  callers.push(caller);
  let said = '';
  for (const stream of [caller.stdout, caller.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk;
    });
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(said)) {
      if (caller.exitCode !== null) throw new Error(`it ended and said:\n${said}`);
      await Promise.race([once(caller.stdout, 'data'), once(caller, 'exit')]);
    }
  };
  return { caller, until, said: () => said };
};

describe.each([
  ['Node.js', process.execPath, 'examples/live.mjs'],
  ['Python', 'python3', 'examples/live.py'],
])('the caller in %s', (language, program, file) => {
  test('gets what is so, then what changes', async () => {
    const { until, caller } = start(program, file, 'accounts/live-1');
    await until(/^snapshot \d+ .*"accountId": ?"live-1"/m);
    const plan = `plan of ${language}`;
    await command('change-plan', { accountId: 'live-1', plan });
    await until(new RegExp(`^update \\d+ .*"plan": ?"${plan}"`, 'm'));
    caller.kill();
  });

  test.each([
    ['a topic that it may not see', 'log', undefined, /not_permitted/],
    ['a row that is not there', 'accounts/nowhere', undefined, /not_found/],
    ['a token that is none', 'system', 'qda_none', /not_authenticated/],
  ])('says why it is refused: %s', async (_what, topic, bearer, why) => {
    const { caller, said } = start(program, file, topic, bearer);
    const [code] = (await once(caller, 'exit')) as [number];
    expect([code, said()]).toEqual([1, expect.stringMatching(why)]);
  });
});
