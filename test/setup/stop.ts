/** After all tests: ends the input of the PostgreSQL process and waits until it has cleaned up. */
export default async function stop(): Promise<void> {
  const child = globalThis.quarterdeckTestServer;
  if (child === undefined || child.exitCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.stdin?.end();
  });
}
