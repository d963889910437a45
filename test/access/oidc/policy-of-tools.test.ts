/** What the policy says of tools is read strictly, and what is wrong is told with its line. */
import { parsePolicy } from '../../../src/access/policy-file.ts';

const policy = (part: string) => `roles: { support: { permissions: [accounts:read] } }
providers: { okta: { groups: { all: support } } }
${part}`;

const problemsOf = (part: string): readonly string[] => {
  try {
    parsePolicy(policy(part), 'access-policy.yaml');
    return [];
  } catch (error) {
    return String((error as Error).message).split('\n');
  }
};

const web = (more: string) => `tools:
  retool:
    kind: web
    scope: [accounts:read]
    ${more}
`;
const hash = 'a'.repeat(64);
const key = '{ kty: EC, crv: P-256, x: a, y: b }';

describe('tools in the access policy', () => {
  test.each<[string, string, string]>([
    [
      'an unknown kind',
      'tools:\n  a: { kind: robot, scope: [] }\n',
      'line 4: tools.a.kind: the kind of a tool is one of session, web, device, service',
    ],
    [
      'a wildcard in a redirect address',
      web("redirectUris: ['https://*.example.com/cb']"),
      'line 7: tools.retool.redirectUris.0: is compared letter by letter: no wildcard, fragment or user name',
    ],
    [
      'a redirect address without TLS',
      web('redirectUris: [http://tools.example.com/cb]'),
      'line 7: tools.retool.redirectUris.0: must be an https:// address (http:// on loopback)',
    ],
    [
      'no redirect address',
      web('redirectUris: []'),
      'line 7: tools.retool.redirectUris: Too small: expected array to have >=1 items',
    ],
    [
      'an origin with a path',
      web('redirectUris: [https://a.test/cb]\n    origins: [https://a.test/]'),
      'line 8: tools.retool.origins.0: must be an origin such as https://tools.example.com, without a path or a slash at its end',
    ],
    [
      'a ceiling of nothing',
      web('redirectUris: [https://a.test/cb]\n    ceiling: { requestsPerMinute: 0 }'),
      'line 8: tools.retool.ceiling.requestsPerMinute: give a whole number of requests, 1 to 1,000,000',
    ],
    [
      'a secret in the clear',
      web('redirectUris: [https://a.test/cb]\n    secretSha256: hunter2'),
      'line 8: tools.retool.secretSha256: must be the SHA-256 of the secret as 64 digits of hex, never the secret itself',
    ],
    [
      'keys and a secret',
      web(`redirectUris: [https://a.test/cb]\n    secretSha256: ${hash}\n    keys: [${key}]`),
      'line 9: a tool proves itself with keys or with a secret, not with both',
    ],
    [
      'no PKCE for a tool without a secret',
      web('redirectUris: [https://a.test/cb]\n    withoutPkce: true'),
      'line 8: a tool that has neither keys nor a secret cannot do without PKCE',
    ],
    [
      'a private key',
      'tools:\n  a:\n    kind: service\n    scope: []\n    keys: [{ kty: OKP, crv: Ed25519, x: a, d: b }]\n',
      'line 7: unknown entry "d" in tools.a.keys.0',
    ],
    [
      'a service without a key',
      'tools:\n  a: { kind: service, scope: [] }\n',
      'line 4: tools.a.keys: Invalid input: expected array, received undefined',
    ],
    [
      'the console as a client',
      web('redirectUris: [https://a.test/cb]').replace('retool', 'console'),
      'line 5: the console is a tool of kind session: it uses the session cookie',
    ],
    ['a reserved name', 'tools:\n  none: { scope: [] }\n', 'line 4: "none" cannot be the name of a tool'],
    [
      'a misspelt entry',
      'tools:\n  a: { kind: device, scopes: [], scope: [] }\n',
      'line 4: unknown entry "scopes" in tools.a',
    ],
  ])('%s', (_, part, told) => {
    expect(problemsOf(part)).toContain(`access-policy.yaml ${told}`);
  });

  const issuer = (more: string) => `tools:
  cli: { kind: device, scope: [] }
  svc: { kind: service, scope: [], keys: [${key}] }
tokenIssuers:
  partner:
    issuer: https://login.test/
    audience: us
    ${more}
`;

  test.each<[string, string, string]>([
    [
      'a tool that cannot prove itself',
      issuer(`keys: [${key}]\n    provider: okta\n    tools: [cli]`),
      'line 12: "cli" must be a tool of kind web or service that has keys or a secret',
    ],
    [
      'an unknown provider',
      issuer(`keys: [${key}]\n    provider: other\n    tools: [svc]`),
      'line 11: unknown provider "other"',
    ],
    [
      'no keys',
      issuer('provider: okta\n    tools: [svc]'),
      'line 7: tokenIssuers.partner: needs either keys or jwksUri',
    ],
  ])('issuers: %s', (_, part, told) => {
    expect(problemsOf(part)).toContain(`access-policy.yaml ${told}`);
  });

  test('what is right is taken, and a tool without a kind comes with the session cookie', () => {
    const { tools } = parsePolicy(policy('tools: { console: { scope: ["*"] } }\n'));
    expect(tools.console).toEqual({ kind: 'session', scope: ['*'] });
  });
});
