/** What OpenAPI says about the access policy. */
import type { Operation } from '../route.ts';
import { query } from './parts.ts';
import { json, ref, text } from './schemas.ts';

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
