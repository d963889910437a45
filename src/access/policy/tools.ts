/**
 * The part of the access policy that is about tools: what kind of client each is, where it may be sent
 * back to, from which origins its pages may call, how it proves itself and how far it reaches; and whose
 * tokens may be exchanged for ours.
 */
import { z } from 'zod';
import type { PolicyProblem } from '../policy.ts';
import { ceiling } from './ceilings.ts';
import { limits } from './limits.ts';
import { parseRowRule, valuesOfPersonIn } from './row-rule.ts';
import { rowRule } from './row-rule-text.ts';

const loopback = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

const parsed = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

/** https; or http on one's own machine, which no network sees. */
const isSafeUrl = (text: string): boolean => {
  const url = parsed(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.test(url.hostname));
};

const safeUrl = z.string().max(2_000).refine(isSafeUrl, 'must be an https:// address (http:// on loopback)');

const redirectUri = safeUrl.refine(
  (text) => !text.includes('#') && !text.includes('*') && !parsed(text)?.username,
  'is compared letter by letter: no wildcard, fragment or user name',
);

const origin = safeUrl.refine(
  (text) => parsed(text)?.origin === text,
  'must be an origin such as https://tools.example.com, without a path or a slash at its end',
);

const rsaModulusCharactersMin = 342;

/** A public key as a JWK (RFC 7517). Unknown members are refused, so a private key never gets in. */
const publicKey = z
  .strictObject({
    kty: z.enum(['EC', 'RSA', 'OKP']),
    crv: z.enum(['P-256', 'P-384', 'P-521', 'Ed25519']).optional(),
    x: z.string().optional(),
    y: z.string().optional(),
    n: z.string().min(rsaModulusCharactersMin, 'is shorter than 2048 bits').optional(),
    e: z.string().optional(),
    kid: z.string().optional(),
    alg: z.enum(['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA']).optional(),
    use: z.literal('sig').optional(),
  })
  .refine(
    ({ kty, crv, x, y, n, e }) => (kty === 'RSA' ? n && e : crv && x && (kty === 'OKP' || y)),
    'lacks members of its key type (RSA: n and e; EC: crv, x and y; OKP: crv and x)',
  );

const keys = z.array(publicKey).min(1).max(10);

const secretSha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the secret as 64 digits of hex, never the secret itself');

const kinds = ['session', 'web', 'device', 'service'] as const;

/** `permission`: how the policy writes one. */
export const toolRules = (permission: z.ZodType<string>) => {
  const common = {
    /** How people know it. */
    name: z.string().min(1).max(80).optional(),
    /** How far it reaches; of a service, what it may do. */
    scope: z.array(permission),
    /** How often it may call; as often as it likes by default. */
    ceiling: ceiling.optional(),
  };
  /** Pages of our own origin, which come with the session cookie. */
  const session = z.strictObject({ kind: z.literal('session'), ...common });
  const web = z.strictObject({
    kind: z.literal('web'),
    ...common,
    redirectUris: z.array(redirectUri).min(1).max(20),
    origins: z.array(origin).max(20).default([]),
    secretSha256: secretSha256.optional(),
    keys: keys.optional(),
    /** Does without PKCE. Only for a tool that proves itself, and only where it cannot send it. */
    withoutPkce: z.literal(true).optional(),
  });
  const device = z.strictObject({ kind: z.literal('device'), ...common });
  const service = z.strictObject({
    kind: z.literal('service'),
    ...common,
    keys,
    /** The rows that its scope reaches; without any, every row. */
    rows: z.array(rowRule).min(1, 'leave rows out where the service reaches every row').optional(),
    /** How far its commands go. */
    limits: limits.optional(),
  });
  return z.preprocess(
    withKind,
    z.discriminatedUnion('kind', [session, web, device, service], {
      error: `the kind of a tool is one of ${kinds.join(', ')}`,
    }),
  );
};

const withKind = (given: unknown): unknown =>
  typeof given === 'object' && given !== null && !Array.isArray(given) && !('kind' in given)
    ? { kind: 'session', ...given }
    : given;

export type Tool = z.output<ReturnType<typeof toolRules>>;

/** Tokens of another issuer that a tool may exchange for ones of ours (RFC 8693). */
export const tokenIssuerRules = (name: z.ZodType<string>) =>
  z
    .strictObject({
      /** Exactly as its tokens say in `iss`. */
      issuer: safeUrl,
      /** What `aud` must hold. */
      audience: z.string().min(1).max(500),
      keys: keys.optional(),
      jwksUri: safeUrl.optional(),
      /** Who may exchange. */
      tools: z.array(name).min(1),
      /** The identity provider of ours whose people its subjects are. */
      provider: name,
      /** Whether its `auth_time` counts as when the person last proved who they are. */
      trustAuthTime: z.literal(true).optional(),
      /** The claim that holds their NameID at that provider. */
      nameIdClaim: z.string().min(1).max(100).default('sub'),
    })
    .refine(
      (given) => (given.keys === undefined) !== (given.jwksUri === undefined),
      'needs either keys or jwksUri',
    );

export type TokenIssuer = z.output<ReturnType<typeof tokenIssuerRules>>;

interface WithTools {
  readonly tools: Readonly<Record<string, Tool>>;
  readonly tokenIssuers: Readonly<Record<string, TokenIssuer>>;
  readonly providers: Readonly<Record<string, unknown>>;
}

/** Ids that stand for something else in the log. */
const reserved = new Set(['none', 'quarterdeck']);

/** What the log may name as the tool: those of the policy, what stands for none, and directories. */
export const toolsNamed = (policy: Pick<WithTools, 'tools'>): readonly string[] => [
  ...Object.keys(policy.tools),
  ...reserved,
  'scim',
];

/** What the shape alone cannot say about tools and issuers. */
export const toolProblems = (policy: WithTools): readonly PolicyProblem[] => [
  ...Object.entries(policy.tools).flatMap(([id, tool]) => problemsOfTool(id, tool)),
  ...Object.entries(policy.tokenIssuers).flatMap(([id, issuer]) => problemsOfIssuer(policy, id, issuer)),
];

const problemsOfTool = (id: string, tool: Tool): readonly PolicyProblem[] => {
  const at = (path: string, message: string) => [{ path: ['tools', id, path], message }];
  if (reserved.has(id)) return [{ path: ['tools', id], message: `"${id}" cannot be the name of a tool` }];
  if (id === 'console' && tool.kind !== 'session')
    return at('kind', 'the console is a tool of kind session: it uses the session cookie');
  if (tool.kind === 'service') return personalRules(id, tool.rows ?? []);
  if (tool.kind === 'web' && tool.keys !== undefined && tool.secretSha256 !== undefined)
    return at('keys', 'a tool proves itself with keys or with a secret, not with both');
  if (tool.kind === 'web' && tool.withoutPkce && !provesItself(tool))
    return at('withoutPkce', 'a tool that has neither keys nor a secret cannot do without PKCE');
  return [];
};

/** A service is no person, so it has none of a person's attributes. */
const personalRules = (id: string, rows: readonly string[]): readonly PolicyProblem[] =>
  rows.flatMap((text, n) =>
    valuesOfPersonIn(parseRowRule(text)).map((attribute) => ({
      path: ['tools', id, 'rows', n],
      message: `tools.${id}.rows.${n}: a service has no {principal.${attribute}}: write the values themselves`,
    })),
  );

const problemsOfIssuer = (policy: WithTools, id: string, issuer: TokenIssuer): readonly PolicyProblem[] => {
  const at = (path: string, message: string) => ({ path: ['tokenIssuers', id, path], message });
  const [first] = Object.entries(policy.tokenIssuers).find(([, other]) => other.issuer === issuer.issuer) ?? [
    id,
  ];
  return [
    ...issuer.tools
      .filter((tool) => !mayExchange(policy.tools, tool))
      .map((tool) =>
        at('tools', `"${tool}" must be a tool of kind web or service that has keys or a secret`),
      ),
    ...(Object.hasOwn(policy.providers, issuer.provider)
      ? []
      : [at('provider', `unknown provider "${issuer.provider}"`)]),
    ...(first === id ? [] : [at('issuer', `is the issuer of "${first}" already`)]),
  ];
};

/** Only who proves itself may bring somebody else's token. */
const mayExchange = (tools: WithTools['tools'], id: string): boolean => {
  const tool = Object.hasOwn(tools, id) ? tools[id] : undefined;
  if (tool?.kind === 'service') return true;
  return tool?.kind === 'web' && provesItself(tool);
};

const provesItself = ({ keys, secretSha256 }: Extract<Tool, { kind: 'web' }>): boolean =>
  keys !== undefined || secretSha256 !== undefined;
