/** The auditor's walk of docs/AUDIT.md, typed as it stands there: every answer is as the page shows it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { builtProgram } from '../chaos/built.ts';
import { type Running, startQuarterdeck } from '../contract/running.ts';

interface Step {
  readonly command: string;
  readonly shown: string;
}

/** A block begins with its first command; what follows a command up to the next is its answer. */
const stepsOf = (page: string): readonly Step[] =>
  [...page.matchAll(/```console\n(.*?)\n```/gs)].flatMap(([, block = '']) =>
    `\n${block}`
      .split('\n$ ')
      .slice(1)
      .map((text) => {
        const [command = '', ...shown] = text.split('\n');
        return { command, shown: shown.join('\n') };
      }),
  );

/** Ids, times, positions and sizes differ from run to run; the few that the page counts do not. */
const masked = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/(person:|development\/|\+)[0-9a-f]{8,32}/g, '$1ID')
    .replaceAll(/\d{2,}|\d(?! (events? in full|succeeded|rejected|rounds?|items))/g, 'N');

const patternOf = (shown: string): RegExp =>
  new RegExp(
    `^${masked(shown)
      .replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
      .replaceAll('…', '[^\\n]*')}$`,
  );

let running: Running;
let folder: string;
let answers: readonly string[];
const steps = stepsOf(readFileSync('docs/AUDIT.md', 'utf8'));

beforeAll(async () => {
  const program = await builtProgram();
  running = await startQuarterdeck({ QUARTERDECK_DEMO: 'on' });
  folder = mkdtempSync(join(tmpdir(), 'quarterdeck-walk-'));
  symlinkSync(resolve('examples'), join(folder, 'examples'));
  const npx = `npx() { shift; node '${program}' "$@"; }`;
  // A reader takes longer to type than a job of three takes; here it is waited for.
  const settled = `until [[ $(curl -sb "$ADA" "$URL/internal/v1/bulk-jobs?state=accepted,running") == '{"data":[],'* ]]; do :; done`;
  // Than a command takes to be in the read model too; what it wrote is read from its position on.
  const written = `$(grep -o '"position":[0-9]*' written | tail -1 | tr -dc 0-9)`;
  const typed = steps.map(({ command }) => {
    const here = command
      .replace('http://127.0.0.1:7400', running.base)
      .replace(/^(post .* commands\/.*)$/, '$1 | tee -a written')
      .replace(/^curl (.*\/accounts\/.*)$/, `curl -H "Quarterdeck-Min-Position: ${written}" $1`);
    return `${here}\necho; echo '<<next>>'${command.includes(' bulk-jobs ') ? `\n${settled}` : ''}`;
  });
  const bash = spawn('bash', ['--noprofile', '--norc'], {
    cwd: folder,
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      DATABASE_URL: running.db.applicationUrl,
      QUARTERDECK_OWNER_DATABASE_URL: running.db.ownerUrl,
      QUARTERDECK_DATA_DIR: running.dataDir,
    },
  });
  let said = '';
  for (const stream of [bash.stdout, bash.stderr])
    stream.on('data', (chunk: Buffer) => (said += String(chunk)));
  bash.stdin.end([npx, ...typed, ''].join('\n'));
  await once(bash, 'close');
  answers = said.split('<<next>>\n').map((answer) => answer.trimEnd().replaceAll('\r\n', '\n'));
});
afterAll(async () => {
  await running.stop();
  rmSync(folder, { recursive: true });
});

test('has a proof for every question, and finds the forgery', () => {
  expect(steps.filter(({ shown }) => shown.startsWith('intact\n')).length).toBeGreaterThan(9);
  expect(steps.find(({ command }) => command.includes('verify forged'))?.shown).toMatch(/^altered at /);
});

test.each(steps.map(({ command, shown }, n) => ({ command, shown, n })))('$command', ({ shown, n }) => {
  expect(masked(answers[n] ?? '')).toMatch(patternOf(shown));
});
