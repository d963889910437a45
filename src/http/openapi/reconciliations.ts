/** What OpenAPI says about reconciliations. */
import type { Operation } from '../route.ts';
import { path, query } from './parts.ts';
import { arrayOf, json, object, orNull, ref, text, whole } from './schemas.ts';

const base = '/internal/v1/reconciliations';
const tag = 'Reconciliations';
const name = path('name', 'The reconciliation’s name.');

export const reconciliationOperations = {
  list: {
    method: 'get',
    tag,
    path: base,
    operationId: 'listReconciliations',
    summary: 'What is compared with the product’s own rows, and how the newest run of each went',
    permission: 'reconciliations:read',
    answers: [
      {
        status: 200,
        description: 'All of them.',
        content: json(object({ data: arrayOf(ref('Reconciliation')) })),
      },
    ],
    codes: ['malformed_request', 'not_permitted', 'invalid_input'],
  },
  differences: {
    method: 'get',
    tag,
    path: `${base}/{name}/differences`,
    operationId: 'listDifferences',
    summary: 'Rows that differ, by the newest run that could be finished; also needed: to read the rows',
    permission: 'reconciliations:read',
    parameters: [
      name,
      query('cursor', text, 'The nextCursor of the page before.'),
      query('limit', whole, '100 unless told; at most 500.'),
    ],
    answers: [
      {
        status: 200,
        description: 'A page of differences, by key.',
        content: json(
          object({
            run: orNull(ref('ReconciliationRun')),
            data: arrayOf(ref('Difference')),
            nextCursor: orNull(text),
          }),
        ),
      },
    ],
    codes: ['malformed_request', 'not_permitted', 'not_found', 'invalid_input'],
  },
  run: {
    method: 'post',
    tag,
    path: `${base}/{name}/run`,
    operationId: 'runReconciliation',
    summary: 'Compare now',
    permission: 'reconciliations:run',
    parameters: [name],
    answers: [{ status: 202, description: 'It has begun.', content: json(object({ id: text })) }],
    codes: ['malformed_request', 'not_permitted', 'not_found', 'rejected', 'invalid_input'],
  },
} as const satisfies Record<string, Operation>;
