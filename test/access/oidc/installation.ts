/**
 * The real server with tools in its policy, and tools that sign in with openid-client: what is tested is
 * what a tool of somebody else's making sees.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';
import * as oidc from 'openid-client';
import { ask, type Running, startQuarterdeck, type Who } from '../../contract/running.ts';
import { Browser, formIn, type Step } from '../browser.ts';

export const callback = 'https://web.tools.test/callback';
export const webOrigin = 'https://web.tools.test';
export const secret = 'a-secret-of-a-web-tool-with-a-server-of-its-own';

export interface Pair {
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export const newPair = async (alg = 'ES256'): Promise<Pair> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid: 'first', alg } };
};

export interface Installation extends Running {
  readonly issuer: string;
  readonly service: Pair;
  /** Signs what the trusted issuer of the policy says. */
  readonly foreign: Pair;
  client(id: string, auth?: oidc.ClientAuth): Promise<oidc.Configuration>;
  /** Puts a changed policy in force. */
  applyPolicy(change: (policy: string) => string): Promise<void>;
}

const policyOf = (service: Pair, foreign: Pair): string => `
roles:
  support: { permissions: [accounts:read, support:*] }
  ops: { permissions: [accounts:*, bulk:*] }
  admin: { permissions: ['*'] }
providers:
  development: { groups: { support: support, ops: ops, admin: admin } }
tools:
  console: { scope: ['*'] }
  page:
    kind: web
    name: A page
    redirectUris: [${callback}]
    origins: [${webOrigin}]
    scope: [accounts:*, audit:read]
  server:
    kind: web
    redirectUris: [${callback}]
    secretSha256: ${createHash('sha256').update(secret).digest('hex')}
    scope: ['*']
  legacy:
    kind: web
    redirectUris: [${callback}]
    secretSha256: ${createHash('sha256').update(secret).digest('hex')}
    withoutPkce: true
    scope: [accounts:read]
  cli:
    kind: device
    name: The command line
    scope: [accounts:*, bulk:*]
  nightly:
    kind: service
    keys: [${JSON.stringify(service.publicJwk)}]
    scope: [accounts:*, bulk:*]
  watcher:
    kind: service
    keys: [${JSON.stringify(service.publicJwk)}]
    scope: [tokens:introspect]
tokenIssuers:
  partner:
    issuer: https://login.partner.test/
    audience: quarterdeck
    keys: [${JSON.stringify(foreign.publicJwk)}]
    tools: [server, nightly]
    provider: development
    nameIdClaim: upn
`;

export const install = async (beside?: Installation): Promise<Installation> => {
  const folder = await mkdtemp(join(tmpdir(), 'quarterdeck-oidc-'));
  const file = join(folder, 'access-policy.yaml');
  const service = beside?.service ?? (await newPair());
  const foreign = beside?.foreign ?? (await newPair());
  const text = policyOf(service, foreign);
  await writeFile(file, text);
  const running = await startQuarterdeck({ QUARTERDECK_ACCESS_POLICY: file }, beside);
  const issuer = `${running.base}/auth/oidc`;
  return {
    ...running,
    issuer,
    service,
    foreign,
    client: async (id, auth) => {
      const found = await oidc.discovery(new URL(issuer), id, undefined, auth ?? oidc.None(), {
        execute: [oidc.allowInsecureRequests],
      });
      return found;
    },
    applyPolicy: async (change) => {
      await writeFile(file, change(text));
      await running.run(['policy', 'apply', file]);
    },
    stop: async () => {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

export interface SignedIn {
  readonly config: oidc.Configuration;
  readonly tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;
  readonly browser: Browser;
}

/** Follows a tool's own redirects and ours, up to where the tool is sent back to. */
export const followTo = async (browser: Browser, address: string, target: string): Promise<Step> => {
  let step = await browser.get(address);
  for (let hop = 0; hop < 20; hop++) {
    const location = step.headers.get('location');
    if (location === null || location.startsWith(target)) return step;
    step = await browser.get(new URL(location, step.url).href);
  }
  throw new Error(`redirected in circles at ${step.url}`);
};

/** As a person would: the tool's link, the identity provider's button, back to the tool. */
export const passSignIn = async (
  installation: Pick<Installation, 'base'>,
  browser: Browser,
  address: string,
  who: Who,
): Promise<URL> => {
  let step = await followTo(browser, address, callback);
  if (step.status === 200) {
    const choice = formIn(step.text);
    choice.fields.set('user', `${who}@dev.test`);
    const answer = await browser.go(choice.method, new URL(choice.action, step.url).href, choice.fields);
    const signedIn = await browser.submit(formIn(answer.text));
    step = await followTo(
      browser,
      new URL(signedIn.headers.get('location') ?? '', installation.base).href,
      callback,
    );
  }
  const location = step.headers.get('location');
  if (location === null)
    throw new Error(`no way back to the tool: ${step.status} ${step.text.slice(0, 300)}`);
  return new URL(location);
};

interface Wanted {
  readonly who?: Who;
  readonly tool?: string;
  readonly auth?: oidc.ClientAuth;
  readonly scope?: string;
  readonly browser?: Browser;
  readonly parameters?: Record<string, string>;
}

/** Authorization code with PKCE, state and nonce, all checked by openid-client. */
export const signIn = async (
  installation: Pick<Installation, 'base' | 'client'>,
  wanted: Wanted = {},
): Promise<SignedIn> => {
  const { who = 'ops', tool = 'page', auth, scope = 'openid email profile', parameters } = wanted;
  const config = await installation.client(tool, auth);
  const browser = wanted.browser ?? new Browser(installation.base);
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = oidc.randomNonce();
  const address = oidc.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope,
    state,
    nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...parameters,
  });
  const back = await passSignIn(installation, browser, address.href, who);
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  const tokens = await oidc.authorizationCodeGrant(config, back, checks);
  return { config, tokens, browser };
};

export const me = (base: string, token: string, headers: Record<string, string> = {}) =>
  ask(base, undefined, {
    path: '/internal/v1/me',
    headers: { authorization: `Bearer ${token}`, ...headers },
  });

export const serviceToken = async (installation: Installation, tool = 'nightly', scope?: string) => {
  const config = await installation.client(tool, oidc.PrivateKeyJwt(installation.service.privateKey));
  return oidc.clientCredentialsGrant(config, scope === undefined ? {} : { scope });
};

/** Events of `$access` of that type, the newest last, in the clear but for what is personal. */
export const recorded = async (
  { db }: Running,
  type: string,
): Promise<readonly { data: Record<string, unknown>; metadata: Record<string, unknown> }[]> => {
  const { rows } = await db.owner.query<{ data: string; metadata: string }>({
    text: "SELECT data::text, metadata::text FROM events WHERE stream = '$access' AND type = $1 ORDER BY position",
    values: [type],
  });
  return rows.map(({ data, metadata }) => ({ data: JSON.parse(data), metadata: JSON.parse(metadata) }));
};
