/**
 * Environment → one frozen Config. Read once, at start; a wrong value stops the start with a sentence
 * that names the variable, what it holds and what would be right. Nothing else reads the environment.
 */
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

const onOff = z.enum(['on', 'off']).transform((text) => text === 'on');

const url = (protocols: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `must be a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`,
  });

const postgres = url(['postgres:', 'postgresql:']);

const redisNodes = list.refine(
  (nodes) => nodes.length > 0 && nodes.every((node) => url(['redis:', 'rediss:']).safeParse(node).success),
  {
    message:
      'must be a URL that begins with redis:// or rediss://, or a comma-separated list of such URLs (a cluster)',
  },
);

const wholeNumber = (least: number, most: number) => {
  const said = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, said)
    .transform(Number)
    .refine((number) => number >= least && number <= most, said);
};

/** As `access/network.ts` reads them: an address alone is that one. */
const isNetwork = (text: string): boolean => {
  const [base = '', bits, ...rest] = text.split('/');
  const four = ipaddr.IPv4.isValidFourPartDecimal(base);
  if ((!four && !ipaddr.IPv6.isValid(base)) || rest.length > 0) return false;
  const most = four ? 32 : 128;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
};

/** Says which of them is none. */
const networks = list.superRefine((all, context) => {
  for (const one of all.filter((text) => !isNetwork(text)))
    context.addIssue({
      code: 'custom',
      message: `holds "${one}", which is no network: write CIDRs, separated by commas (10.1.0.0/16, 192.0.2.7/32)`,
    });
});

const key = z
  .string()
  .refine(
    (text) => Buffer.from(text, 'base64').length === 32,
    'must be 32 bytes in base64 (`openssl rand -base64 32` makes one)',
  )
  .transform((text) => Buffer.from(text, 'base64'));

const environment = z.object({
  NODE_ENV: z.string().default('development'),
  DATABASE_URL: postgres.optional(),
  QUARTERDECK_OWNER_DATABASE_URL: postgres.optional(),
  QUARTERDECK_DIRECT_DATABASE_URL: postgres.optional(),
  REDIS_URL: redisNodes.optional(),
  QUARTERDECK_HOST: z.string().default('127.0.0.1'),
  QUARTERDECK_PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number, 0 to 65535 (0: any that is free)')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be a port number, 0 to 65535')
    .optional(),
  QUARTERDECK_PUBLIC_URL: url(['http:', 'https:']).optional(),
  QUARTERDECK_TLS_CERT: z.string().optional(),
  QUARTERDECK_TLS_KEY: z.string().optional(),
  QUARTERDECK_TLS_CLIENT_CA: z.string().optional(),
  QUARTERDECK_DATA_DIR: z.string().default('.quarterdeck'),
  QUARTERDECK_ROLE: z.enum(['all', 'api', 'worker', 'projector']).default('all'),
  QUARTERDECK_ALLOWED_NETWORKS: networks.optional(),
  QUARTERDECK_TRUSTED_PROXIES: networks.default([]),
  QUARTERDECK_SAML_METADATA: list.optional(),
  QUARTERDECK_SAML_ENTITY_ID: z.string().optional(),
  QUARTERDECK_SAML_GROUPS_ATTRIBUTE: z.string().default('groups'),
  QUARTERDECK_SCIM_TOKENS: list
    .refine(
      (tokens) => tokens.every((token) => /^[a-z][a-z0-9-]{0,63}:[0-9a-f]{64}$/.test(token)),
      'must be a comma-separated list of <provider>:<SHA-256 of the token in hex>',
    )
    .default([]),
  QUARTERDECK_ACCESS_POLICY: z.string().default('access-policy.yaml'),
  QUARTERDECK_SIGNING_KEY: key.optional(),
  QUARTERDECK_MASTER_KEY: key.optional(),
  QUARTERDECK_LOG_MIRROR: z.string().min(1, 'must be a directory or s3://bucket/prefix').optional(),
  QUARTERDECK_LOG_ARCHIVE: z.string().min(1, 'must be a directory or s3://bucket/prefix').optional(),
  QUARTERDECK_BULK_LATENCY_BUDGET_MS: wholeNumber(0, 60_000).default(25),
  QUARTERDECK_BULK_LAG_BUDGET_MS: wholeNumber(0, 3_600_000).default(5_000),
  QUARTERDECK_BULK_RESULTS_DAYS: wholeNumber(1, 36_500).default(90),
  QUARTERDECK_ENVIRONMENT: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens')
    .default('development'),
  QUARTERDECK_WEBHOOK_NETWORKS: list
    .refine(
      (networks) => networks.every((network) => z.union([z.cidrv4(), z.cidrv6()]).safeParse(network).success),
      'must be a comma-separated list of networks as CIDR (10.1.0.0/16)',
    )
    .optional(),
  QUARTERDECK_DEMO: onOff.optional(),
});

export type Role = z.output<typeof environment>['QUARTERDECK_ROLE'];

export interface Config {
  readonly production: boolean;
  /** undefined: embedded PostgreSQL in the data directory. */
  readonly databaseUrl: string | undefined;
  readonly ownerDatabaseUrl: string | undefined;
  readonly directDatabaseUrl: string | undefined;
  /** Empty: queues on PostgreSQL; one: Redis; several: the nodes of a Redis Cluster. */
  readonly redisUrls: readonly string[];
  readonly host: string;
  /** undefined: 7400, or another one that is free. */
  readonly port: number | undefined;
  readonly publicUrl: string | undefined;
  /** undefined: HTTP in the clear. Names of files. */
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa?: string } | undefined;
  readonly dataDir: string;
  readonly role: Role;
  /** undefined: loopback. */
  readonly allowedNetworks: readonly string[] | undefined;
  readonly trustedProxies: readonly string[];
  /** undefined: the development identity provider. */
  readonly samlMetadata: readonly string[] | undefined;
  readonly samlEntityId: string | undefined;
  readonly samlGroupsAttribute: string;
  /** `provider:hash`; empty: no directory may tell us of people. */
  readonly scimTokens: readonly string[];
  readonly accessPolicy: string;
  readonly signingKey: Buffer | undefined;
  /** Where checkpoints of the log are kept outside the database; undefined: in the data directory. */
  readonly logMirror: string | undefined;
  /** Where old parts of the log are written to when that is asked for; undefined: nowhere. */
  readonly logArchive: string | undefined;
  readonly masterKey: Buffer | undefined;
  /** Budgets that bulk work yields at, and for how long its results are kept. */
  readonly bulk: {
    readonly bulkLatencyBudgetMs: number;
    readonly bulkLagBudgetMs: number;
    readonly bulkResultsDays: number;
  };
  readonly environment: string;
  /** CIDRs that webhooks may be sent to beside public addresses. */
  readonly webhookNetworks: readonly string[];
  /** undefined: on with an empty embedded database. */
  readonly demo: boolean | undefined;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Parsed = z.output<typeof environment>;

/** @throws ConfigError whose message lists every variable that is wrong. */
export const readConfig = (env: Readonly<Record<string, string | undefined>>): Config => {
  // A variable that is set to nothing is as good as not set: compose files write them so.
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('\n'),
    );
  }
  const config = fromParsed(parsed.data);
  if (config.production) refuseUnsafe(config);
  return Object.freeze(config);
};

const tlsOf = (p: Parsed): Config['tls'] => {
  const { QUARTERDECK_TLS_CERT: cert, QUARTERDECK_TLS_KEY: key, QUARTERDECK_TLS_CLIENT_CA: clientCa } = p;
  if (cert !== undefined && key !== undefined)
    return { cert, key, ...(clientCa === undefined ? {} : { clientCa }) };
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  throw new ConfigError('QUARTERDECK_TLS_CERT and QUARTERDECK_TLS_KEY must both name a file to serve TLS.');
};

const fromParsed = (p: Parsed): Config => ({
  production: p.NODE_ENV === 'production',
  databaseUrl: p.DATABASE_URL,
  ownerDatabaseUrl: p.QUARTERDECK_OWNER_DATABASE_URL,
  directDatabaseUrl: p.QUARTERDECK_DIRECT_DATABASE_URL ?? p.DATABASE_URL,
  redisUrls: p.REDIS_URL ?? [],
  host: p.QUARTERDECK_HOST,
  port: p.QUARTERDECK_PORT,
  publicUrl: p.QUARTERDECK_PUBLIC_URL?.replace(/\/+$/, ''),
  tls: tlsOf(p),
  dataDir: p.QUARTERDECK_DATA_DIR,
  role: p.QUARTERDECK_ROLE,
  allowedNetworks: p.QUARTERDECK_ALLOWED_NETWORKS,
  trustedProxies: p.QUARTERDECK_TRUSTED_PROXIES,
  samlMetadata: p.QUARTERDECK_SAML_METADATA,
  samlEntityId: p.QUARTERDECK_SAML_ENTITY_ID,
  samlGroupsAttribute: p.QUARTERDECK_SAML_GROUPS_ATTRIBUTE,
  scimTokens: p.QUARTERDECK_SCIM_TOKENS,
  accessPolicy: p.QUARTERDECK_ACCESS_POLICY,
  signingKey: p.QUARTERDECK_SIGNING_KEY,
  logMirror: p.QUARTERDECK_LOG_MIRROR,
  logArchive: p.QUARTERDECK_LOG_ARCHIVE,
  masterKey: p.QUARTERDECK_MASTER_KEY,
  bulk: {
    bulkLatencyBudgetMs: p.QUARTERDECK_BULK_LATENCY_BUDGET_MS,
    bulkLagBudgetMs: p.QUARTERDECK_BULK_LAG_BUDGET_MS,
    bulkResultsDays: p.QUARTERDECK_BULK_RESULTS_DAYS,
  },
  environment: p.QUARTERDECK_ENVIRONMENT,
  webhookNetworks:
    p.QUARTERDECK_WEBHOOK_NETWORKS ?? (p.NODE_ENV === 'production' ? [] : ['127.0.0.0/8', '::1/128']),
  demo: p.QUARTERDECK_DEMO,
});

/**
 * Whether a network is wider than any one organisation's (10.0.0.0/8, fc00::/7): two halves are everybody too.
 * What is no network is refused where networks are read.
 */
const isTooWide = (network: string): boolean => {
  const [base = '', bits] = network.split('/');
  if (bits === undefined || !ipaddr.isValid(base)) return false;
  const written = ipaddr.parse(base);
  if (written instanceof ipaddr.IPv4) return Number(bits) < 8;
  return Number(bits) < (written.isIPv4MappedAddress() ? 104 : 7);
};

/** What production must say for itself, because every default of it is for one's own machine. */
const refuseUnsafe = (config: Config): void => {
  const missing = [
    [config.allowedNetworks, 'QUARTERDECK_ALLOWED_NETWORKS must list the networks that may connect'],
    [config.databaseUrl, 'DATABASE_URL must name the database'],
    [config.publicUrl, 'QUARTERDECK_PUBLIC_URL must say how browsers reach this server'],
    [config.samlMetadata, 'QUARTERDECK_SAML_METADATA must name the identity provider'],
    [config.masterKey, 'QUARTERDECK_MASTER_KEY must hold the key that wraps personal-data keys'],
    [config.signingKey, "QUARTERDECK_SIGNING_KEY must hold the log's signing key"],
  ].flatMap(([value, sentence]) => (value === undefined ? [`In production ${String(sentence)}.`] : []));
  if (config.publicUrl?.startsWith('https://') === false)
    missing.push('In production QUARTERDECK_PUBLIC_URL must begin with https://.');
  const anybody = config.allowedNetworks?.find(isTooWide);
  if (anybody !== undefined)
    missing.push(
      `In production QUARTERDECK_ALLOWED_NETWORKS must not hold ${anybody}, which is every network or nearly so: list your own.`,
    );
  const anyProxy = config.trustedProxies.find(isTooWide);
  if (anyProxy !== undefined)
    missing.push(
      `In production QUARTERDECK_TRUSTED_PROXIES must not hold ${anyProxy}: whoever connects from there may say that they are anybody. List your proxies.`,
    );
  if (config.tls === undefined && config.trustedProxies.length === 0 && !isLoopback(config.host))
    missing.push(
      'In production TLS must end here (QUARTERDECK_TLS_CERT and QUARTERDECK_TLS_KEY) or at a proxy that QUARTERDECK_TRUSTED_PROXIES names.',
    );
  if (missing.length > 0) throw new ConfigError(missing.join('\n'));
};

const isLoopback = (host: string): boolean => /^(localhost|127\.[\d.]+|::1)$/.test(host);
