/** Peers that are not part of the project's own dependencies: installed when first needed, or looked for. */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const run = promisify(execFile);

const folder = fileURLToPath(new URL('peers', import.meta.url));

export const installPeers = async (say: (line: string) => void): Promise<void> => {
  const installed = await access(`${folder}/node_modules/@event-driven-io`).then(
    () => true,
    () => false,
  );
  if (installed) return;
  say('installing the peers (npm ci in bench/peers)');
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder });
};

/** The first line that the program says of its version; undefined where it is not on the PATH. */
export const versionOf = (program: string): Promise<string | undefined> =>
  run(program, ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
