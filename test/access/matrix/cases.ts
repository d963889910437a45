/**
 * For every operation of the OpenAPI document that stands behind the session: how somebody asks who may,
 * about rows that they reach (`emea`), that they do not (`amer`), and that are not there (`none`).
 */
import { account } from '../../contract/bad-input.ts';
import type { Asked } from '../../contract/running.ts';

export type Place = 'emea' | 'amer' | 'none';

/** Ids of what exists beforehand: one account a command and place, with all that belongs to it. */
export const idOf = (place: Place, command: string): string => `${place}-${command}`;
const rowId = (place: Place): string => idOf(place, 'row');

export interface Case {
  readonly ask: (place: Place, ids: Ids) => Asked;
  /** Status of the answer about a row that is reached. */
  readonly reached: number;
  /**
   * What answers about a row out of reach: the very answer about one that is not there; 403 where the
   * request itself would make one; an answer that holds what is reached and nothing else; or nothing can
   * be asked, because the operation is about no rows.
   */
  readonly outOfReach: 'as-missing' | 'refused' | 'left-out' | 'about-no-rows';
}

/** Bulk jobs and exports: of whoever asks, of somebody else, and of nobody. */
export interface Ids {
  readonly job: Readonly<Record<Place, string>>;
  readonly export: Readonly<Record<Place, string>>;
  /** One to be taken away. */
  readonly removable: Readonly<Record<Place, string>>;
}

const commandCase = (name: string, input: (id: string) => object): readonly [string, Case] => [
  `POST /internal/v1/commands/${name}`,
  {
    ask: (place) => ({ path: `/internal/v1/commands/${name}`, body: input(idOf(place, name)) }),
    reached: 200,
    outOfReach: 'as-missing',
  },
];

const reason = 'Asked for by the customer.';
const newId = (id: string, what: string): string => `${id}-${what}`;

const commands = [
  commandCase('correct-account', (accountId) => ({ accountId, name: 'Ada' })),
  commandCase('change-plan', (accountId) => ({ accountId, plan: 'fibre' })),
  commandCase('suspend-account', (accountId) => ({ accountId, reason })),
  commandCase('reactivate-account', (accountId) => ({ accountId })),
  commandCase('close-account', (accountId) => ({ accountId, reason })),
  commandCase('set-account-flag', (accountId) => ({ accountId, flag: 'vip', value: true })),
  commandCase('record-account-cost', (accountId) => ({ accountId, month: '2026-03', cost: '1.00' })),
  commandCase('raise-invoice', (accountId) => ({
    invoiceId: newId(accountId, 'more'),
    accountId,
    amount: '5.00',
    dueOn: '2026-12-01',
  })),
  commandCase('settle-invoice', (invoiceId) => ({ invoiceId, amount: '1.00', paidOn: '2026-11-01' })),
  commandCase('void-invoice', (invoiceId) => ({ invoiceId, reason })),
  commandCase('refund-invoice', (invoiceId) => ({ invoiceId, amount: '1.00', reason })),
  commandCase('issue-credit', (accountId) => ({
    creditId: newId(accountId, 'more'),
    accountId,
    amount: '5.00',
    reason,
  })),
  commandCase('add-note', (accountId) => ({ noteId: newId(accountId, 'more'), accountId, text: 'Called.' })),
  commandCase('grant-support-access', (accountId) => ({
    grantId: newId(accountId, 'more'),
    accountId,
    grantee: 'Sam',
    until: '2100-01-01T00:00:00Z',
    reason,
  })),
  commandCase('revoke-support-access', (grantId) => ({ grantId, reason })),
] as const;

/** Those that act on something that must be there before, by what it is. */
export const commandNames = commands.map(([route]) => route.slice(route.lastIndexOf('/') + 1));

const projectionCases = (name: string): readonly (readonly [string, Case])[] => {
  const path = `/internal/v1/${name}`;
  const whole: Case = { ask: () => ({ path }), reached: 200, outOfReach: 'left-out' };
  return [
    [`GET ${path}`, { ...whole, ask: () => ({ path: `${path}?limit=1000` }) }],
    [`GET ${path}.csv`, { ...whole, ask: () => ({ path: `${path}.csv` }) }],
    [`GET ${path}.ndjson`, { ...whole, ask: () => ({ path: `${path}.ndjson` }) }],
    [
      `GET ${path}/{id}`,
      { ask: (place) => ({ path: `${path}/${rowId(place)}` }), reached: 200, outOfReach: 'as-missing' },
    ],
  ];
};

const jobsRead = ['', 'results', 'preview'];
const jobCase = (verb: string, reached: number): readonly [string, Case] => [
  `${jobsRead.includes(verb) ? 'GET' : 'POST'} /internal/v1/bulk-jobs/{id}${verb === '' ? '' : `/${verb}`}`,
  {
    ask: (place, { job }) => ({
      path: `/internal/v1/bulk-jobs/${job[place]}${verb === '' ? '' : `/${verb}`}`,
      ...(jobsRead.includes(verb) ? {} : { method: 'POST' as const }),
    }),
    reached,
    outOfReach: 'as-missing',
  },
];

const exportCase = (
  suffix: string,
  method: 'GET' | 'POST' | 'DELETE',
  reached: number,
): readonly [string, Case] => [
  `${method} /internal/v1/exports/{id}${suffix}`,
  {
    ask: (place, ids) => ({
      method,
      path: `/internal/v1/exports/${ids[method === 'DELETE' ? 'removable' : 'export'][place]}${suffix}`,
    }),
    reached,
    outOfReach: 'as-missing',
  },
];

const noRows = (path: string): readonly [string, Case] => [
  `GET ${path}`,
  { ask: () => ({ path }), reached: 200, outOfReach: 'about-no-rows' },
];

/** An endpoint is told of every row, so roles that reach some only may not manage one. */
const webhookCommand = (name: string): readonly [string, Case] => [
  `POST /internal/v1/commands/${name}`,
  {
    ask: () => ({
      path: `/internal/v1/commands/${name}`,
      body: {
        webhookId: 'none',
        ...(name === 'register-webhook' ? { url: 'https://receiver.example', events: ['*'] } : {}),
      },
    }),
    reached: 403,
    outOfReach: 'about-no-rows',
  },
];

/** Whose data is erased may be about any row. */
const complianceCommand = (name: string, body: object): readonly [string, Case] => [
  `POST /internal/v1/commands/${name}`,
  {
    ask: () => ({ path: `/internal/v1/commands/${name}`, body: { ...body, reason } }),
    reached: 403,
    outOfReach: 'about-no-rows',
  },
];

const audit = '/internal/v1/audit';
const auditCase = (suffix: string): readonly [string, Case] => [
  `GET ${audit}/events${suffix}`,
  {
    ask: () => ({ path: `${audit}/events${suffix}${suffix === '' ? '?limit=1000' : ''}` }),
    reached: 200,
    outOfReach: 'left-out',
  },
];

/** Route, how it is asked for, and the body of a POST. */
const wholeLog: readonly (readonly [string, string, object?])[] = [
  ['vkey', 'vkey'],
  ['vkeys', 'vkeys'],
  ['checkpoint', 'checkpoint'],
  ['tile/{level}/{index}', 'tile/0/000.p/1'],
  ['tile/entries/{index}', 'tile/entries/000.p/1'],
  ['proof/{position}', 'proof/1'],
  ['consistency', 'consistency?from=1'],
  ['receipts/{commandId}', 'receipts/01a21c57-3e60-7289-a082-de253a779c0e'],
  ['exports/{id}/manifest', 'exports/1/manifest'],
  ['exports', 'exports', {}],
];

export const cases: ReadonlyMap<string, Case> = new Map<string, Case>([
  [
    'POST /internal/v1/commands/open-account',
    {
      ask: (place) => ({
        path: '/internal/v1/commands/open-account',
        body: account({ accountId: `${place}-opened`, region: place.toUpperCase() }),
      }),
      reached: 200,
      outOfReach: 'refused',
    },
  ],
  ...commands,
  ...['accounts', 'invoices', 'credits', 'notes', 'access-grants'].flatMap(projectionCases),
  [
    'POST /internal/v1/bulk-jobs',
    {
      ask: () => ({
        path: '/internal/v1/bulk-jobs',
        body: { command: 'set-account-flag', input: { flag: 'bulk', value: true }, where: {} },
      }),
      reached: 202,
      outOfReach: 'left-out',
    },
  ],
  [
    'GET /internal/v1/bulk-jobs',
    { ask: () => ({ path: '/internal/v1/bulk-jobs' }), reached: 200, outOfReach: 'left-out' },
  ],
  jobCase('', 200),
  jobCase('results', 200),
  // It was no dry run.
  jobCase('preview', 409),
  // The job of whoever asks has ended: that is told to its owner alone.
  jobCase('pause', 409),
  jobCase('resume', 409),
  jobCase('cancel', 409),
  jobCase('retry-failed', 409),
  jobCase('undo', 202),
  [
    'POST /internal/v1/exports',
    {
      ask: () => ({
        path: '/internal/v1/exports',
        body: { query: 'accounts', format: 'ndjson', fields: ['accountId'] },
      }),
      reached: 202,
      outOfReach: 'about-no-rows',
    },
  ],
  [
    'GET /internal/v1/exports',
    { ask: () => ({ path: '/internal/v1/exports' }), reached: 200, outOfReach: 'left-out' },
  ],
  exportCase('', 'GET', 200),
  exportCase('/file', 'GET', 200),
  // The export of whoever asks has ended: that is told to its owner alone.
  exportCase('/cancel', 'POST', 409),
  exportCase('', 'DELETE', 200),
  auditCase(''),
  auditCase('.csv'),
  auditCase('.ndjson'),
  [
    'GET /internal/v1/feed',
    { ask: () => ({ path: '/internal/v1/feed?limit=1000' }), reached: 200, outOfReach: 'left-out' },
  ],
  [
    `GET ${audit}/replay/{stream}`,
    {
      ask: (place) => ({ path: `${audit}/replay/account-${rowId(place)}` }),
      reached: 200,
      outOfReach: 'as-missing',
    },
  ],
  noRows(`${audit}/snapshots`),
  [
    `DELETE ${audit}/snapshots/{name}`,
    {
      ask: () => ({ path: `${audit}/snapshots/none`, method: 'DELETE' }),
      reached: 404,
      outOfReach: 'about-no-rows',
    },
  ],
  ...wholeLog.map(([route, asked, body]): [string, Case] => [
    `${body === undefined ? 'GET' : 'POST'} ${audit}/${route}`,
    {
      ask: () => ({ path: `${audit}/${asked}`, ...(body === undefined ? {} : { body }) }),
      // What is proven is proven of every event.
      reached: 403,
      outOfReach: 'about-no-rows',
    },
  ]),
  noRows('/internal/v1/me'),
  noRows('/internal/v1/commands'),
  noRows('/internal/v1/policy'),
  noRows('/internal/v1/sessions'),
  [
    'POST /internal/v1/sessions/{id}/revoke',
    {
      ask: () => ({ path: '/internal/v1/sessions/none/revoke', method: 'POST' }),
      reached: 404,
      outOfReach: 'about-no-rows',
    },
  ],
  noRows('/internal/v1/tool-grants'),
  [
    'POST /internal/v1/tool-grants/{id}/revoke',
    {
      ask: () => ({ path: '/internal/v1/tool-grants/none/revoke', method: 'POST' }),
      reached: 404,
      outOfReach: 'about-no-rows',
    },
  ],
  ...[
    ['POST', '/secret', '/secret'],
    ['GET', '/deliveries', '/deliveries'],
    ['POST', '/deliveries/{position}/redeliver', '/deliveries/1/redeliver'],
  ].map(([method, suffix, asked]): [string, Case] => [
    `${method} /internal/v1/webhooks/{id}${suffix}`,
    {
      ask: () => ({ path: `/internal/v1/webhooks/none${asked}`, method: method as 'GET' | 'POST' }),
      // An endpoint is told of every row.
      reached: 403,
      outOfReach: 'about-no-rows',
    },
  ]),
  ...['register', 'change', 'disable', 'enable'].map((verb) => webhookCommand(`${verb}-webhook`)),
  webhookCommand('rotate-webhook-secret'),
  webhookCommand('show-webhook-secret'),
  ...['', '.csv', '.ndjson'].map((suffix) => noRows(`/internal/v1/webhook-endpoints${suffix}`)),
  [
    'GET /internal/v1/webhook-endpoints/{id}',
    {
      ask: () => ({ path: '/internal/v1/webhook-endpoints/none' }),
      reached: 404,
      outOfReach: 'about-no-rows',
    },
  ],
  complianceCommand('erase-subject', { subject: 'account-none', basis: 'gdpr-art-17-1-a' }),
  complianceCommand('place-legal-hold', { holdId: 'none', subject: 'account-none', matter: 'A case' }),
  complianceCommand('lift-legal-hold', { holdId: 'none' }),
  ...['erasures', 'legal-holds'].flatMap((name): (readonly [string, Case])[] => [
    ...['', '.csv', '.ndjson'].map((suffix) => noRows(`/internal/v1/${name}${suffix}`)),
    [
      `GET /internal/v1/${name}/{id}`,
      {
        ask: () => ({ path: `/internal/v1/${name}/none` }),
        reached: 404,
        outOfReach: 'about-no-rows',
      },
    ],
  ]),
  [
    'GET /internal/v1/reconciliations',
    // Somebody who reaches some rows may not: what differs is told of every row.
    { ask: () => ({ path: '/internal/v1/reconciliations' }), reached: 403, outOfReach: 'about-no-rows' },
  ],
  [
    'GET /internal/v1/reconciliations/{name}/differences',
    {
      ask: () => ({ path: '/internal/v1/reconciliations/none/differences' }),
      reached: 403,
      outOfReach: 'about-no-rows',
    },
  ],
  [
    'POST /internal/v1/reconciliations/{name}/run',
    {
      ask: () => ({ path: '/internal/v1/reconciliations/none/run', method: 'POST' }),
      reached: 403,
      outOfReach: 'about-no-rows',
    },
  ],
  noRows('/internal/v1/reactors'),
  ...[
    ['GET', '/dead-letters', '/dead-letters'],
    ['POST', '/dead-letters/retry', '/dead-letters/retry'],
    ['POST', '/dead-letters/{position}/retry', '/dead-letters/1/retry'],
    ['POST', '/dead-letters/{position}/discard', '/dead-letters/1/discard'],
    ['POST', '/pause', '/pause'],
    ['POST', '/resume', '/resume'],
  ].map(([method, suffix, asked]): [string, Case] => [
    `${method} /internal/v1/reactors/{name}${suffix}`,
    {
      ask: () => ({ path: `/internal/v1/reactors/none${asked}`, method: method as 'GET' | 'POST' }),
      // Dead letters and steering are for roles that reach every row.
      reached: 403,
      outOfReach: 'about-no-rows',
    },
  ]),
  noRows('/internal/openapi.json'),
  noRows('/internal/docs'),
]);
