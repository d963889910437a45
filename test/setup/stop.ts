/** After all tests: drops the folder of the run; ends the input of the PostgreSQL process and waits until it has cleaned up. */
import { rm } from 'node:fs/promises';

export default async function stop(): Promise<void> {
  const folder = process.env.QUARTERDECK_TEST_RUN;
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  const child = globalThis.quarterdeckTestServer;
  if (child === undefined || child.exitCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.stdin?.end();
  });
}
