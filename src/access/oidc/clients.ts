/**
 * Tools of the policy as OpenID Connect clients. Nobody registers at run time: what is not in the policy
 * in force is no client, from the next request on.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { AdapterPayload } from 'oidc-provider';
import type { Tool } from '../policy/tools.ts';
import type { Policy } from '../policy.ts';

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';

const ownOf = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

export const toolOf = (policy: Policy, id: string): Tool | undefined => ownOf(policy.tools, id);

/** How a person knows it. */
export const toolName = (policy: Policy, id: string): string => toolOf(policy, id)?.name ?? id;

/** Client metadata (RFC 7591) of a tool; undefined where it is none, or comes with the session cookie. */
export const clientOf = (policy: Policy, id: string): AdapterPayload | undefined => {
  const tool = toolOf(policy, id);
  if (tool === undefined || tool.kind === 'session') return undefined;
  const exchanges = Object.values(policy.tokenIssuers).some(({ tools }) => tools.includes(id));
  const { grant_types, ...rest } = byKind[tool.kind](tool as never);
  return {
    client_id: id,
    client_name: tool.name ?? id,
    response_types: [],
    redirect_uris: [],
    ...rest,
    grant_types: [...grant_types, ...(exchanges ? [exchangeGrant] : [])],
  };
};

type Kind = Exclude<Tool['kind'], 'session'>;
type Metadata = Readonly<Record<string, unknown>> & { readonly grant_types: readonly string[] };

const byKind: { readonly [K in Kind]: (tool: Extract<Tool, { kind: K }>) => Metadata } = {
  web: (tool) => ({
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    response_modes: ['query'],
    redirect_uris: tool.redirectUris,
    ...proofOf(tool),
  }),
  device: () => ({ grant_types: [deviceGrant, 'refresh_token'], token_endpoint_auth_method: 'none' }),
  service: ({ keys }) => ({ grant_types: ['client_credentials'], ...withKeys(keys) }),
};

const withKeys = (keys: readonly object[]) => ({
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys },
});

/** A page alone in a browser can keep no secret: PKCE is all it has. */
const proofOf = ({ keys, secretSha256 }: Extract<Tool, { kind: 'web' }>) => {
  if (keys !== undefined) return withKeys(keys);
  if (secretSha256 === undefined) return { token_endpoint_auth_method: 'none' };
  // The hash stands in the secret's place; `provesSecret` compares by it.
  return { token_endpoint_auth_method: 'client_secret_basic', client_secret: secretSha256 };
};

/** Whether `given` is the secret of which the policy has the SHA-256 in hex. */
export const provesSecret = (given: string, sha256: string): boolean => {
  const hash = createHash('sha256').update(given).digest();
  const known = Buffer.from(sha256, 'hex');
  return known.length === hash.length && timingSafeEqual(hash, known);
};

/** Whether its requests must carry PKCE: all of them, unless the policy excuses the tool. */
export const needsPkce = (policy: Policy, id: string): boolean => {
  const tool = toolOf(policy, id);
  return tool?.kind !== 'web' || tool.withoutPkce !== true;
};

/** Whether a page of that origin may call as this tool. */
export const originBelongsTo = (policy: Policy, id: string, origin: string): boolean => {
  const tool = toolOf(policy, id);
  return tool?.kind === 'web' && tool.origins.includes(origin);
};

/** Whether a page of that origin may call as any tool: what a preflight asks before it says which. */
export const isToolOrigin = ({ tools }: Policy, origin: string): boolean =>
  Object.values(tools).some((tool) => tool.kind === 'web' && tool.origins.includes(origin));
