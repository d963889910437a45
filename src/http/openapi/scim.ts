/** What OpenAPI says about SCIM: paths and statuses; the resources are those of RFC 7643. */
import type { Answer, Operation } from '../route.ts';
import { path, query } from './parts.ts';
import { text, whole } from './schemas.ts';

const body = { 'application/scim+json': { schema: { type: 'object' } } };
const refusal = (status: number, description: string): Answer => ({ status, description, content: body });
const refusals = [
  refusal(401, 'No directory’s token.'),
  refusal(403, 'The access policy takes no word from this directory.'),
  refusal(429, 'Too much at once.'),
];

type Act = Pick<Operation, 'method' | 'path' | 'operationId' | 'summary'> & {
  readonly status: number;
  readonly parameters?: Operation['parameters'];
};

const operation = ({ status, parameters = [], ...act }: Act): Operation => {
  const takesBody = act.method === 'post' || act.method === 'put' || act.method === 'patch';
  const isOne = act.path.endsWith('{id}');
  const more = [
    ...(isOne ? [refusal(404, 'There is none.')] : []),
    ...(takesBody ? [refusal(409, 'The name is taken.')] : []),
    ...(takesBody || act.path.endsWith('s')
      ? [refusal(400, 'It cannot be understood; `scimType` says why.')]
      : []),
  ];
  const done =
    status === 204 ? { status, description: 'Done.' } : { status, description: 'RFC 7643.', content: body };
  return {
    ...act,
    tag: 'SCIM',
    parameters: isOne ? [path('id', 'As given when it was created.'), ...parameters] : parameters,
    ...(takesBody ? { body: { required: true, content: body } } : {}),
    answers: [done, ...refusals, ...more],
    codes: ['network_refused', 'customer_credential_refused', 'internal', 'unavailable'],
  };
};

const listParameters = [
  query('filter', text, 'attribute eq "value", joined by and.'),
  query('startIndex', whole, 'From 1.'),
  query('count', whole, '100 by default, 200 at most.'),
];
const excluded = [query('excludedAttributes', text, '`members` leaves them out.')];

const read = (name: string, summary: string) =>
  operation({ method: 'get', path: `/scim/v2/${name}`, operationId: `scim${name}`, summary, status: 200 });

const resource = (kind: 'User' | 'Group') => {
  const all = `/scim/v2/${kind}s`;
  const one = `${all}/{id}`;
  const name = kind.toLowerCase();
  const parameters = kind === 'Group' ? excluded : [];
  return {
    list: operation({
      method: 'get',
      path: all,
      operationId: `scimList${kind}s`,
      summary: `The ${name}s of the directory`,
      status: 200,
      parameters: [...listParameters, ...parameters],
    }),
    create: operation({
      method: 'post',
      path: all,
      operationId: `scimCreate${kind}`,
      summary: `A new ${name}`,
      status: 201,
    }),
    find: operation({
      method: 'get',
      path: one,
      operationId: `scimGet${kind}`,
      summary: `One ${name}`,
      status: 200,
      parameters,
    }),
    replace: operation({
      method: 'put',
      path: one,
      operationId: `scimReplace${kind}`,
      summary: `A ${name} as it is now`,
      status: 200,
    }),
    patch: operation({
      method: 'patch',
      path: one,
      operationId: `scimPatch${kind}`,
      summary: `Changes to a ${name}; \`active: false\` ends a user’s sessions and tokens`,
      status: kind === 'Group' ? 204 : 200,
    }),
    remove: operation({
      method: 'delete',
      path: one,
      operationId: `scimDelete${kind}`,
      summary: `A ${name} that is no more`,
      status: 204,
    }),
  };
};

export const scimOperations = {
  ServiceProviderConfig: read('ServiceProviderConfig', 'What of SCIM is understood'),
  ResourceTypes: read('ResourceTypes', 'Users and groups'),
  Schemas: read('Schemas', 'The attributes that are kept'),
  users: resource('User'),
  groups: resource('Group'),
};

export const allScimOperations: readonly Operation[] = [
  scimOperations.ServiceProviderConfig,
  scimOperations.ResourceTypes,
  scimOperations.Schemas,
  ...Object.values(scimOperations.users),
  ...Object.values(scimOperations.groups),
];
