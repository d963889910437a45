/** The environment: what is taken from it, and what production refuses to start without. */
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
