/** What OpenAPI says about the access policy. */
import type { Operation } from '../route.ts';
import { path, query } from './parts.ts';
import { arrayOf, json, object, orNull, ref, text, whole } from './schemas.ts';

export const policyOperation: Operation = {
  method: 'get',
  path: '/internal/v1/policy',
  operationId: 'policy',
  tag: 'Access',
  summary: 'The access policy in force, now or at any moment, with who applied it and what it changed',
  permission: 'policy:read',
  parameters: [query('at', text, 'A position or a time with its zone; now without it.')],
  answers: [
    {
      status: 200,
      description: 'The policy that was in force then.',
      content: json(ref('Policy')),
      headers: ['Quarterdeck-Position'],
    },
  ],
  codes: ['malformed_request', 'not_permitted', 'not_found', 'invalid_input'],
};

export const sessionOperations = {
  list: {
    method: 'get',
    path: '/internal/v1/sessions',
    operationId: 'listSessions',
    tag: 'Access',
    summary: 'Where one is signed in, the newest first; with sessions:read also where others are',
    parameters: [
      query('person', text, 'A person’s id, or `*` for everybody; your own sessions without it.'),
      query('cursor', text, 'From the page before.'),
      query('limit', whole, '1 to 500; 100 by default.'),
    ],
    answers: [
      {
        status: 200,
        description: 'Sessions that are alive.',
        content: json(object({ data: arrayOf(ref('Session')), nextCursor: orNull(text) })),
      },
    ],
    codes: ['malformed_request', 'not_permitted', 'invalid_input'],
  },
  revoke: {
    method: 'post',
    path: '/internal/v1/sessions/{id}/revoke',
    operationId: 'revokeSession',
    tag: 'Access',
    summary: 'End a session of one’s own; with sessions:revoke also one of somebody else',
    parameters: [path('id', 'The session’s id.')],
    answers: [{ status: 204, description: 'It has ended, in every process and on open sockets.' }],
    codes: ['malformed_request', 'not_found', 'invalid_input'],
  },
} as const satisfies Record<string, Operation>;
