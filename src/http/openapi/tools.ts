/** What OpenAPI says about signing tools in; oidc-provider serves it. Errors are those of OAuth, not problems. */
import type { Answer, Content, Operation } from '../route.ts';
import { path, query } from './parts.ts';
import { arrayOf, json, object, orNull, text, time, whole } from './schemas.ts';

const grant = object(
  {
    id: text,
    personId: text,
    email: text,
    name: text,
    tool: text,
    givenAt: time,
    expiresAt: time,
    sessionId: orNull({ ...text, description: 'The session that it ends with; null where it outlives it.' }),
  },
  ['email', 'name'],
);

const anything = json({ type: 'object' });

const error = json({
  type: 'object',
  properties: { error: text, error_description: text },
  required: ['error'],
});

const refused = (status: number, description: string): Answer => ({ status, description, content: error });

const form = (fields: readonly string[], required: readonly string[]): Content => ({
  'application/x-www-form-urlencoded': {
    schema: { type: 'object', properties: Object.fromEntries(fields.map((name) => [name, text])), required },
  },
});

const common = { tag: 'Tools', codes: [] } as const;

const endpoint = (
  name: string,
  operationId: string,
  summary: string,
  fields: readonly string[],
  required: readonly string[],
): Operation => ({
  ...common,
  method: 'post',
  path: `/auth/oidc/${name}`,
  operationId,
  summary,
  body: { required: true, content: form(fields, required) },
  answers: [
    { status: 200, description: 'As the standard says.', content: anything },
    refused(400, 'Refused; `error` says what was wrong.'),
    refused(401, 'The tool did not prove itself.'),
  ],
});

const page = { 'text/html': { schema: text } };

export const toolOperations: readonly Operation[] = [
  {
    ...common,
    method: 'get',
    path: '/auth/oidc/.well-known/openid-configuration',
    operationId: 'oidcDiscovery',
    summary: 'Where tools sign in, and how (OpenID Connect Discovery)',
    answers: [{ status: 200, description: 'Addresses and what is supported.', content: anything }],
  },
  {
    ...common,
    method: 'get',
    path: '/auth/oidc/jwks',
    operationId: 'oidcKeys',
    summary: 'Public keys of ID tokens (RFC 7517)',
    answers: [
      {
        status: 200,
        description: 'A key set; it keeps old keys until nothing needs them.',
        content: anything,
      },
    ],
  },
  {
    ...common,
    method: 'get',
    path: '/auth/oidc/auth',
    operationId: 'oidcAuthorize',
    summary: 'Sign a person in for a web tool: authorization code with PKCE',
    parameters: ['client_id', 'response_type', 'redirect_uri', 'scope', 'state', 'code_challenge'].map(
      (name) => query(name, text, 'As in RFC 6749 and RFC 7636; `code_challenge_method` is S256.'),
    ),
    answers: [
      { status: 303, description: 'To sign in, or back to the tool with a code.' },
      {
        status: 400,
        description: 'A tool or address that the policy does not know.',
        content: { ...page, ...error },
      },
    ],
  },
  {
    ...common,
    method: 'get',
    path: '/auth/oidc/sign-in/{uid}',
    operationId: 'oidcSignIn',
    summary: 'The step between: the browser’s session becomes the tool’s',
    parameters: [
      {
        name: 'uid',
        in: 'path',
        required: true,
        description: 'Names the request of the tool.',
        schema: text,
      },
    ],
    answers: [{ status: 303, description: 'To the identity provider, or back to the request.' }],
    codes: ['malformed_request'],
  },
  {
    ...common,
    method: 'get',
    path: '/auth/oidc/device',
    operationId: 'oidcDevicePage',
    summary: 'The page where a person types the code of a device',
    parameters: [query('user_code', text, 'Filled in; never submitted by itself.')],
    answers: [
      { status: 200, description: 'A page.', content: page },
      { status: 303, description: 'To sign in first.' },
    ],
  },
  {
    ...common,
    method: 'post',
    path: '/auth/oidc/device',
    operationId: 'oidcDeviceAnswer',
    summary: 'What the person answers on it',
    body: { required: true, content: form(['xsrf', 'user_code', 'confirm', 'abort'], ['xsrf', 'user_code']) },
    answers: [
      { status: 200, description: 'A page.', content: page },
      { status: 303, description: 'On to the next step.' },
      { status: 400, description: 'A page that says what is wrong with the code.', content: page },
    ],
    codes: ['not_permitted'],
  },
  endpoint(
    'token',
    'oidcToken',
    'Tokens: for a code, a device code, a refresh token, a key, or another issuer’s token',
    [
      'grant_type',
      'client_id',
      'code',
      'redirect_uri',
      'code_verifier',
      'refresh_token',
      'device_code',
      'scope',
    ],
    ['grant_type'],
  ),
  endpoint(
    'device/auth',
    'oidcDeviceCode',
    'Codes for a device (RFC 8628)',
    ['client_id', 'scope'],
    ['client_id'],
  ),
  endpoint(
    'revoke',
    'oidcRevoke',
    'End a token (RFC 7009)',
    ['token', 'token_type_hint', 'client_id'],
    ['token'],
  ),
  endpoint(
    'introspect',
    'oidcIntrospect',
    'What a token stands for (RFC 7662)',
    ['token', 'token_type_hint', 'client_id'],
    ['token'],
  ),
];

export const grantOperations = {
  list: {
    method: 'get',
    path: '/internal/v1/tool-grants',
    operationId: 'listToolGrants',
    tag: 'Access',
    summary: 'Which tools may act as one; with sessions:read also as others',
    parameters: [
      query('person', text, 'A person’s id, or `*` for everybody; your own without it.'),
      query('cursor', text, 'From the page before.'),
      query('limit', whole, '1 to 500; 100 by default.'),
    ],
    answers: [
      {
        status: 200,
        description: 'Those that are alive and in use.',
        content: json(object({ data: arrayOf(grant), nextCursor: orNull(text) })),
      },
    ],
    codes: ['malformed_request', 'not_permitted', 'invalid_input'],
  },
  revoke: {
    method: 'post',
    path: '/internal/v1/tool-grants/{id}/revoke',
    operationId: 'revokeToolGrant',
    tag: 'Access',
    summary: 'A tool may not act as one any more; with sessions:revoke also not as somebody else',
    parameters: [path('id', 'The grant’s id.')],
    answers: [{ status: 204, description: 'Its tokens have ended, in every process and on open sockets.' }],
    codes: ['malformed_request', 'not_found', 'invalid_input'],
  },
} as const satisfies Record<string, Operation>;
