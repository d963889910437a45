/**
 * `npm ci` works for everybody: on every platform, whatever registry the lock was made with.
 */
import { readFile } from 'node:fs/promises';
import { completed, type Lock, missingFrom } from '../../scripts/complete-lock.ts';

const json = async <T>(name: string): Promise<T> =>
  JSON.parse(await readFile(new URL(`../../${name}`, import.meta.url), 'utf8')) as T;

describe('The lock file', () => {
  test('holds every optional package of every platform: else run `npm run lock`', async () => {
    expect(missingFrom(await json<Lock>('package-lock.json'))).toEqual([]);
  });

  test('names no registry', async () => {
    const { packages } = await json<Lock>('package-lock.json');
    expect(Object.entries(packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
  });

  test('says the same as package.json', async () => {
    const { packages } = await json<Lock>('package-lock.json');
    const wanted = await json<Record<string, unknown>>('package.json');
    expect(packages['']).toMatchObject({
      dependencies: wanted.dependencies,
      devDependencies: wanted.devDependencies,
    });
  });
});

describe('Completing a lock', () => {
  const lock: Lock = {
    packages: {
      '': { version: '1.0.0' },
      'node_modules/outer': {
        version: '2.0.0',
        resolved: 'https://registry.example/outer.tgz',
        optionalDependencies: { '@bin/outer-linux-arm64-musl': '2.0.0', '@bin/outer-linux-x64': '^2.0.0' },
      },
      'node_modules/outer/node_modules/@bin/outer-linux-x64': { version: '2.0.0' },
      'node_modules/zed': { version: '1.0.0', optionalDependencies: { '@bin/zed-win32-ia32': '^1.2.3' } },
    },
  };

  test('adds what is missing, for the platform that its name tells', () => {
    const { added, lock: whole } = completed(lock);
    expect(added).toEqual(['node_modules/@bin/outer-linux-arm64-musl', 'node_modules/@bin/zed-win32-ia32']);
    expect(whole.packages['node_modules/@bin/outer-linux-arm64-musl']).toEqual({
      version: '2.0.0',
      cpu: ['arm64'],
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    });
    expect(whole.packages['node_modules/@bin/zed-win32-ia32']).toMatchObject({
      version: '1.2.3',
      os: ['win32'],
    });
    expect(missingFrom(whole)).toEqual([]);
  });

  test('takes addresses of registries out', () => {
    expect(JSON.stringify(completed(lock))).not.toContain('registry.example');
  });
});
