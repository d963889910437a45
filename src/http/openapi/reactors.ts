/** What OpenAPI says about reactors. */
import type { ErrorCode } from '../../errors.ts';
import type { Operation } from '../route.ts';
import { path, query } from './parts.ts';
import { arrayOf, json, object, orNull, ref, whole } from './schemas.ts';

const base = '/internal/v1/reactors';
const name = path('name', 'The reactor’s name.');
const position = path('position', 'The position of the event.');
const codes: readonly ErrorCode[] = ['malformed_request', 'not_permitted', 'not_found', 'invalid_input'];

const read = { tag: 'Reactors', method: 'get', permission: 'reactors:read', codes } as const;
const steer = { tag: 'Reactors', method: 'post', permission: 'reactors:steer', codes } as const;

const counted = {
  status: 200,
  description: 'How many there were.',
  content: json(object({ count: whole })),
};
const stands = { status: 200, description: 'How it stands.', content: json(ref('Reactor')) };

export const reactorOperations = {
  list: {
    ...read,
    path: base,
    operationId: 'listReactors',
    summary:
      'How each reactor stands: how far it has read the log, what it has outstanding, whether it pauses',
    answers: [
      {
        status: 200,
        description: 'All of them, by name.',
        content: json(object({ data: arrayOf(ref('Reactor')), position: whole })),
      },
    ],
  },
  deadLetters: {
    ...read,
    path: `${base}/{name}/dead-letters`,
    operationId: 'listDeadLetters',
    summary: 'Events that a reactor gave up, oldest first, with what the last attempt failed of',
    parameters: [
      name,
      query('after', whole, 'Behind this position: the nextCursor of the page before.'),
      query('limit', whole, '100 unless told; at most 500.'),
    ],
    answers: [
      {
        status: 200,
        description: 'A page of dead letters.',
        content: json(object({ data: arrayOf(ref('DeadLetter')), nextCursor: orNull(whole) })),
      },
    ],
  },
  retryAll: {
    ...steer,
    path: `${base}/{name}/dead-letters/retry`,
    operationId: 'retryDeadLetters',
    summary: 'Attempt all dead letters of a reactor anew',
    parameters: [name],
    answers: [counted],
  },
  retry: {
    ...steer,
    path: `${base}/{name}/dead-letters/{position}/retry`,
    operationId: 'retryDeadLetter',
    summary: 'Attempt a dead letter anew, with all attempts before it',
    parameters: [name, position],
    answers: [counted],
  },
  discard: {
    ...steer,
    path: `${base}/{name}/dead-letters/{position}/discard`,
    operationId: 'discardDeadLetter',
    summary: 'Give a dead letter up for good; what was held back behind it goes on',
    parameters: [name, position],
    answers: [counted],
  },
  pause: {
    ...steer,
    path: `${base}/{name}/pause`,
    operationId: 'pauseReactor',
    summary: 'Let a reactor begin nothing further; its checkpoint waits, so that nothing is lost',
    parameters: [name],
    answers: [stands],
  },
  resume: {
    ...steer,
    path: `${base}/{name}/resume`,
    operationId: 'resumeReactor',
    summary: 'Let a paused reactor go on from where it stood',
    parameters: [name],
    answers: [stands],
  },
} as const satisfies Record<string, Operation>;
