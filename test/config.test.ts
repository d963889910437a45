/** The environment: what is taken from it, and what production refuses to start without. */
import { spawnSync } from 'node:child_process';
import { ConfigError, readConfig } from '../src/config.ts';

const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://app@db/quarterdeck',
  QUARTERDECK_PUBLIC_URL: 'https://quarterdeck.example.com',
  QUARTERDECK_ALLOWED_NETWORKS: '10.0.0.0/8',
  QUARTERDECK_TRUSTED_PROXIES: '10.0.0.1',
  QUARTERDECK_SAML_METADATA: 'okta=https://okta.example.com/metadata',
  QUARTERDECK_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
  QUARTERDECK_SIGNING_KEY: Buffer.alloc(32, 2).toString('base64'),
  QUARTERDECK_HOST: '0.0.0.0',
};

const refusalOf = (changes: Readonly<Record<string, string | undefined>>): string => {
  try {
    readConfig({ ...production, ...changes });
    return 'started';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
};

test('exports are kept where and for as long as it says, and a wrong place or time stops the start', () => {
  const { exports } = readConfig({
    QUARTERDECK_EXPORTS_STORAGE: 's3://exports/ours',
    QUARTERDECK_S3_ENDPOINT: 'https://minio.internal:9000',
    AWS_REGION: 'eu-central-1',
  });
  expect(exports).toEqual({
    exportsStorage: 's3://exports/ours',
    exportsKeepHours: 72,
    s3: { s3Endpoint: 'https://minio.internal:9000', region: 'eu-central-1' },
  });
  expect(refusalOf({ QUARTERDECK_EXPORTS_STORAGE: 'gs://exports' })).toMatch(
    /^QUARTERDECK_EXPORTS_STORAGE must be/,
  );
  expect(refusalOf({ QUARTERDECK_EXPORTS_KEEP_HOURS: '0' })).toMatch(
    /^QUARTERDECK_EXPORTS_KEEP_HOURS must be/,
  );
});

test('production starts with all that it needs, with TLS here or at a proxy', () => {
  expect(refusalOf({})).toBe('started');
  const tls = { QUARTERDECK_TLS_CERT: '/tls.crt', QUARTERDECK_TLS_KEY: '/tls.key' };
  expect(refusalOf({ ...tls, QUARTERDECK_TRUSTED_PROXIES: '' })).toBe('started');
  expect(refusalOf({ QUARTERDECK_TRUSTED_PROXIES: '', QUARTERDECK_HOST: '127.0.0.1' })).toBe('started');
});

test.each([
  ['QUARTERDECK_ALLOWED_NETWORKS', 'must list the networks'],
  ['DATABASE_URL', 'must name the database'],
  ['QUARTERDECK_PUBLIC_URL', 'must say how browsers reach'],
  ['QUARTERDECK_SAML_METADATA', 'must name the identity provider'],
  ['QUARTERDECK_MASTER_KEY', 'must hold the key'],
  ['QUARTERDECK_SIGNING_KEY', "must hold the log's signing key"],
])('production refuses to start without %s', (name, sentence) => {
  for (const value of [undefined, '']) expect(refusalOf({ [name]: value })).toContain(`${name} ${sentence}`);
});

test.each([
  [
    'an address in the clear',
    { QUARTERDECK_PUBLIC_URL: 'http://quarterdeck.example.com' },
    'begin with https://',
  ],
  ['every network', { QUARTERDECK_ALLOWED_NETWORKS: '10.0.0.0/8,0.0.0.0/0' }, 'every network'],
  ['every network of IPv6', { QUARTERDECK_ALLOWED_NETWORKS: '::/0' }, 'every network'],
  ['half of all networks', { QUARTERDECK_ALLOWED_NETWORKS: '0.0.0.0/1,128.0.0.0/1' }, 'nearly so'],
  ['every network, as IPv6 writes it', { QUARTERDECK_ALLOWED_NETWORKS: '::ffff:0.0.0.0/96' }, 'nearly so'],
  ['every proxy', { QUARTERDECK_TRUSTED_PROXIES: '0.0.0.0/0' }, 'List your proxies'],
  ['half of all proxies', { QUARTERDECK_TRUSTED_PROXIES: '10.0.0.1,128.0.0.0/1' }, 'List your proxies'],
  ['HTTP in the clear on a network', { QUARTERDECK_TRUSTED_PROXIES: '' }, 'TLS must end here'],
])('production refuses %s', (_what, changes, sentence) => {
  expect(refusalOf(changes)).toContain(sentence);
});

test('everything that is missing is told at once', () => {
  try {
    readConfig({ NODE_ENV: 'production' });
    throw new Error('started');
  } catch (error) {
    expect((error as Error).message.split('\n')).toHaveLength(6);
  }
});

test.each([
  ['half of TLS', { QUARTERDECK_TLS_CERT: '/tls.crt' }, 'must both name a file'],
  ['a certificate for clients alone', { QUARTERDECK_TLS_CLIENT_CA: '/ca.crt' }, 'must both name a file'],
  ['a token in the clear', { QUARTERDECK_SCIM_TOKENS: 'okta:secret' }, '<provider>:<SHA-256'],
])('anywhere %s is refused, and what was given is not repeated', (_what, changes, sentence) => {
  try {
    readConfig(changes);
    throw new Error('started');
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toContain(sentence);
    expect((error as Error).message).not.toContain('okta:secret');
  }
});

test('on one’s own machine nothing has to be said', () => {
  expect(readConfig({})).toMatchObject({
    production: false,
    port: undefined,
    tls: undefined,
    scimTokens: [],
  });
});

test.each(['QUARTERDECK_ALLOWED_NETWORKS', 'QUARTERDECK_TRUSTED_PROXIES'])(
  'what is no network in %s is named, with what would be right',
  (variable) => {
    for (const wrong of ['10.0.0/8', 'office', '10.0.0.0/33', '10.0.0.0/8/8', '::1/129'])
      expect(refusalOf({ [variable]: `10.1.0.0/16,${wrong}` })).toBe(
        `${variable} holds "${wrong}", which is no network: write CIDRs, separated by commas (10.1.0.0/16, 192.0.2.7/32)`,
      );
    expect(refusalOf({ [variable]: '10.1.0.0/16, 192.0.2.7, 2001:db8::/32' })).toBe('started');
  },
);

describe('the command line says in a sentence', () => {
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'src/main.ts', ...args], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', ...env },
    });

  test('that a database does not let us in, and which variable names it, without its password', () => {
    const url = 'postgres://someone:hush@127.0.0.1:9/nowhere';
    for (const [args, variable, env] of [
      [[], 'DATABASE_URL', { DATABASE_URL: url }],
      [['migrate'], 'DATABASE_URL', { DATABASE_URL: url }],
      [
        ['migrate'],
        'QUARTERDECK_OWNER_DATABASE_URL',
        { DATABASE_URL: url, QUARTERDECK_OWNER_DATABASE_URL: url },
      ],
    ] as const) {
      const { status, stderr } = run(args, env);
      expect(status).toBe(1);
      expect(stderr).toMatch(
        new RegExp(
          `${variable} names a database that does not let us in \\(someone at 127\\.0\\.0\\.1:9/nowhere: `,
        ),
      );
      expect(stderr).not.toMatch(/hush| {4}at /);
    }
  });

  test('that there is no such command, and which there are', () => {
    const { status, stderr } = run(['bogus']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /there is no command "bogus"\. There are: start, migrate, policy, .*bulk, .*log\./,
    );
  });
});
