/**
 * What some suites need from the machine. Where it is missing the suite is left out, and the end of the
 * run says so in one line; with QUARTERDECK_TEST_REQUIRE_ALL=1 a missing program is a failure instead.
 *
 *     describeWhere(redisServer, 'Bulk on Redis', () => { … });
 */
import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';

export interface Need {
  /** Why the suite cannot run here; undefined when it can. */
  readonly missing: string | undefined;
  /** Can be installed, so a run that wants everything may fail without it. */
  readonly installable: boolean;
}

export function findOnPath(...names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const candidates = names.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export const findChromium = (): string | undefined =>
  process.env.CHROMIUM_PATH ??
  findOnPath('chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome');

/** The real customer list beside the checkout, where there is one. */
export function telcoFile(): string | undefined {
  const file = path.resolve(import.meta.dirname, '../../../shared/data/telco-customers.csv');
  return existsSync(file) ? file : undefined;
}

const program = (name: string, found: string | undefined): Need => ({
  missing: found === undefined ? `${name} is not on the PATH` : undefined,
  installable: true,
});

export const redisServer: Need = program('redis-server', findOnPath('redis-server'));
export const chromium: Need = program('chromium', findChromium());
export const dockerCompose: Need = program('docker-compose', findOnPath('docker-compose'));
export const telcoCustomers: Need = {
  missing: telcoFile() === undefined ? '../shared/data/telco-customers.csv is not there' : undefined,
  installable: false,
};

const requireAll = (): boolean => process.env.QUARTERDECK_TEST_REQUIRE_ALL === '1';

/** `describe`, left out where the need is not met. The reporter reads the reason from the title. */
export function describeWhere(need: Need, name: string, body: () => void): void {
  if (need.missing === undefined) {
    describe(name, body);
  } else if (need.installable && requireAll()) {
    describe(name, () => {
      test('has what it needs', () => {
        throw new Error(`${need.missing}, and QUARTERDECK_TEST_REQUIRE_ALL=1 wants every suite to run.`);
      });
    });
  } else {
    describe.skip(`${name} [left out: ${need.missing}]`, body);
  }
}
