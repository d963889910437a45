/** The table of bad input: each row a request, and the refusal that it gets. */
import type { Asked, Who } from './running.ts';

export interface Refused {
  readonly what: string;
  readonly as?: Who;
  readonly ask: Asked;
  readonly status: number;
  readonly code: string;
  /** Of the first field error, with 422. */
  readonly path?: string | RegExp;
}

/** An input that is right, to be made wrong in one place. */
export const account = (more: object = {}) => ({
  accountId: 'contract-1',
  plan: 'dsl',
  contract: 'one-year',
  tenureMonths: 12,
  monthlyCharges: '29.85',
  totalCharges: '358.20',
  ...more,
});

const open = '/internal/v1/commands/open-account';
const csv = { 'content-type': 'text/csv' };
const ndjson = { 'content-type': 'application/x-ndjson' };
const xlsx = { 'content-type': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' };
const upload = '/internal/v1/bulk-jobs?command=open-account';
const columns = 'accountId,plan,contract,tenureMonths,monthlyCharges,totalCharges';
const row = 'csv-1,dsl,one-year,12,29.85,358.20';
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

const body = (
  what: string,
  text: string | Uint8Array,
  status: number,
  code: string,
  path?: string,
): Refused => ({
  what: `a body that is ${what}`,
  ask: { path: open, body: text },
  status,
  code,
  ...(path === undefined ? {} : { path }),
});

const bodies: readonly Refused[] = [
  body('half an object', '{"accountId": "a', 400, 'malformed_request'),
  body('empty', '', 400, 'malformed_request'),
  body('not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 400, 'malformed_request'),
  body('a list', '[]', 422, 'invalid_input', ''),
  body('null', 'null', 422, 'invalid_input', ''),
  body('2 MB', JSON.stringify(account({ name: 'x'.repeat(2 << 20) })), 413, 'too_large'),
  body('10,000 lists deep', `{"accountId": ${nested(10_000)}}`, 422, 'invalid_input', 'accountId'),
  body('10,000 objects deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 422, 'invalid_input', 'a'),
  body('holding NUL', '{"accountId":"a\\u0000"}', 422, 'invalid_input', 'accountId'),
  body('holding half a character', '{"name":"\\ud83e"}', 422, 'invalid_input', 'name'),
  body('holding __proto__', '{"__proto__":{"plan":"x"}}', 422, 'invalid_input', '__proto__'),
  {
    what: 'a form',
    ask: { path: open, body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    what: 'text',
    ask: { path: open, body: '{}', headers: { 'content-type': 'text/plain' } },
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    what: 'another charset',
    ask: { path: open, body: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } },
    status: 415,
    code: 'unsupported_media_type',
  },
];

const field = (what: string, input: object, path: string): Refused => ({
  what: `an input with ${what}`,
  ask: { path: open, body: input },
  status: 422,
  code: 'invalid_input',
  path,
});

const inputs: readonly Refused[] = [
  field('an unknown field', account({ colour: 'red' }), 'colour'),
  field('a number for text', account({ accountId: 7 }), 'accountId'),
  field('text for a number', account({ tenureMonths: 'twelve' }), 'tenureMonths'),
  field('half a month', account({ tenureMonths: 1.5 }), 'tenureMonths'),
  field('a list for text', account({ plan: ['dsl'] }), 'plan'),
  field('null for text', account({ plan: null }), 'plan'),
  field('a missing field', account({ plan: undefined }), 'plan'),
  field('an id out of its alphabet', account({ accountId: 'a b' }), 'accountId'),
  field('a path for an id', account({ accountId: '../../etc' }), 'accountId'),
  field('two dots for an id', account({ accountId: '..' }), 'accountId'),
  field('an empty id', account({ accountId: '' }), 'accountId'),
  field('an id of 65 characters', account({ accountId: 'x'.repeat(65) }), 'accountId'),
  field('money as a number', account({ monthlyCharges: 29.85 }), 'monthlyCharges'),
  field('money with three decimals', account({ monthlyCharges: '29.851' }), 'monthlyCharges'),
  field('money that is none', account({ totalCharges: ' ' }), 'totalCharges'),
  field('money beyond all bounds', account({ totalCharges: '9'.repeat(40) }), 'totalCharges'),
  field('a contract that nobody offers', account({ contract: 'for ever' }), 'contract'),
  field('a currency that nobody has', account({ currency: 'XXQ' }), 'currency'),
  {
    what: 'an upload that names no command',
    ask: { path: '/internal/v1/bulk-jobs', body: `${columns}\n${row}\n`, headers: csv },
    status: 422,
    code: 'invalid_input',
    path: 'command',
  },
];

const header = (name: string, value: string): Refused => ({
  what: `the header ${name}: ${value.slice(0, 40)}`,
  ask: { path: open, body: account(), headers: { [name]: value } },
  status: 400,
  code: 'malformed_request',
});

const headers: readonly Refused[] = [
  ...['W/"1"', '1', '*', '"1", "2"', '"-1"', '"x"'].map((value) => header('if-match', value)),
  ...['two words', 'x'.repeat(256)].map((value) => header('idempotency-key', value)),
  ...['%', '%E0%A4%A', '%00'].map((value) => header('quarterdeck-reason', value)),
  header('quarterdeck-reference', '%ff'),
  header('quarterdeck-reference', 'ada%40example.com'),
  header('quarterdeck-reference', 'two%20words'),
  {
    what: 'a position that is none',
    ask: { path: '/internal/v1/accounts', headers: { 'quarterdeck-min-position': 'newest' } },
    status: 400,
    code: 'malformed_request',
  },
];

const reading = (query: string, status: number, code: string, path?: string | RegExp): Refused => ({
  what: `the query ${query.slice(0, 60)}`,
  ask: { path: `/internal/v1/${query}` },
  status,
  code,
  ...(path === undefined ? {} : { path }),
});

const queries: readonly Refused[] = [
  reading('accounts?colour=red', 422, 'invalid_input', 'colour'),
  reading('accounts?status[like]=a', 422, 'invalid_input', /status/),
  reading('accounts?tenureMonths[gte]=many', 422, 'invalid_input', /tenureMonths/),
  reading('accounts?sort=colour', 422, 'invalid_input', 'sort'),
  reading('accounts?fields=colour', 422, 'invalid_input', 'fields'),
  reading('accounts?limit=0', 422, 'invalid_input', 'limit'),
  reading('accounts?limit=many', 422, 'invalid_input', 'limit'),
  reading('accounts?limit=1&limit=2', 422, 'invalid_input', 'limit'),
  reading('accounts?cursor=made-up', 400, 'malformed_request'),
  reading(`accounts?cursor=${Buffer.from('{"after":"x"}').toString('base64url')}`, 400, 'malformed_request'),
  ...['["2026-02-30T00:00:00.000000Z","x"]', '["0000-01-01T00:00:00.000000Z","x"]', '[1,2]'].map((made) =>
    reading(`bulk-jobs?cursor=${Buffer.from(made).toString('base64url')}`, 400, 'malformed_request'),
  ),
  reading('accounts?asOf=yesterday', 422, 'invalid_input', 'asOf'),
  reading('accounts?asOf=999999999', 422, 'invalid_input', 'asOf'),
  reading('accounts?asOf=0001-01-01T00:00:00%2B01:00', 422, 'invalid_input', 'asOf'),
  reading('accounts?where={', 422, 'invalid_input', 'where'),
  reading('accounts?where=[]', 422, 'invalid_input', 'where'),
  reading(`accounts?where=${encodeURIComponent('{"colour":"red"}')}`, 422, 'invalid_input', /colour/),
  reading('accounts?status=%00', 422, 'invalid_input', 'status'),
  reading('accounts?status=%ZZ', 400, 'malformed_request'),
  reading('accounts/contract-1?colour=red', 422, 'invalid_input', 'colour'),
  reading('accounts.csv?limit=5', 422, 'invalid_input', 'limit'),
  reading('accounts/%E0%A4%A', 400, 'malformed_request'),
  reading('audit/events?after=first', 400, 'malformed_request'),
  reading('audit/events?limit=0', 422, 'invalid_input', 'limit'),
  reading('audit/events?from=yesterday', 422, 'invalid_input', 'from'),
  reading('audit/events?colour=red', 422, 'invalid_input', 'colour'),
  reading('audit/events?from=9999-01-01T00:00:00Z', 422, 'invalid_input', 'from'),
  reading('audit/events?to=9999-01-01T00:00:00Z', 422, 'invalid_input', 'to'),
  reading('audit/events?after=999999999', 422, 'invalid_input', 'after'),
  reading('audit/events?order=sideways', 422, 'invalid_input', 'order'),
  reading('audit/events?outcome=maybe', 422, 'invalid_input', 'outcome'),
  reading('audit/events?reason=%21', 422, 'invalid_input', 'reason'),
  ...['stream', 'about', 'actor', 'tool', 'correlation', 'bulkJob', 'commandId', 'session'].map((filter) =>
    reading(`audit/events?${filter}=a%20b`, 422, 'invalid_input', filter),
  ),
  ...['type', 'command'].map((filter) => reading(`audit/events?${filter}=-`, 422, 'invalid_input', filter)),
  reading('audit/events?about=ada@example.com', 422, 'invalid_input', 'about'),
  reading('audit/events?type=AccountSuspendd', 422, 'invalid_input', 'type'),
  reading('audit/events?command=suspend', 422, 'invalid_input', 'command'),
  reading('audit/events?tool=consle', 422, 'invalid_input', 'tool'),
  ...['stream', 'about', 'actor', 'bulkJob', 'commandId', 'correlation', 'session'].map((filter) =>
    reading(`audit/events?${filter}=contract-1`, 422, 'invalid_input', filter),
  ),
  reading('audit/events.csv?type=AccountSuspendd', 422, 'invalid_input', 'type'),
  reading('bulk-jobs?command=suspend', 422, 'invalid_input', 'command'),
  reading('sessions?person=admin', 422, 'invalid_input', 'person'),
  reading('audit/events.ndjson?limit=5', 422, 'invalid_input', 'limit'),
  reading('audit/snapshots?name=x', 422, 'invalid_input', 'name'),
  reading('accounts?snapshot=none', 404, 'not_found'),
  reading('accounts/contract-1?snapshot=none', 404, 'not_found'),
  reading('accounts.csv?snapshot=none', 404, 'not_found'),
  reading('accounts?snapshot=none&asOf=1', 422, 'invalid_input', 'snapshot'),
  reading('audit/replay/account-contract-1?at=never', 422, 'invalid_input', 'at'),
].map((refused) =>
  refused.ask.path.includes('/audit/') ? { ...refused, as: 'compliance' as const } : refused,
);

/** Of an export that proves itself. */
const provable = (what: string, body: object, path: string): Refused => ({
  what: `an export of the log with ${what}`,
  as: 'compliance',
  ask: { path: '/internal/v1/audit/exports', body },
  status: 422,
  code: 'invalid_input',
  path,
});

const provables: readonly Refused[] = [
  provable('an unknown field', { colour: 'red' }, 'colour'),
  provable('an unknown filter', { filter: { colour: 'red' } }, 'filter.colour'),
  provable('a type that there is not', { filter: { type: 'AccountSuspendd' } }, 'filter.type'),
  provable('a tool that there is not', { filter: { tool: 'consle' } }, 'filter.tool'),
];

const bulk = (
  what: string,
  asked: Omit<Asked, 'path'> & { path?: string },
  status: number,
  code: string,
  path?: string | RegExp,
): Refused => ({
  what: `bulk work with ${what}`,
  ask: { path: '/internal/v1/bulk-jobs', ...asked },
  status,
  code,
  ...(path === undefined ? {} : { path }),
});
const suspend = { command: 'suspend-account', input: { reason: 'x' } };

const bulkJobs: readonly Refused[] = [
  bulk('neither targets nor filter', { body: suspend }, 422, 'invalid_input'),
  bulk('targets and filter', { body: { ...suspend, targets: ['a'], where: {} } }, 422, 'invalid_input'),
  bulk(
    'an input that cannot be text',
    {
      path: `${upload}&input=${encodeURIComponent('{"name":"\\u0000"}')}`,
      body: `${columns}\n${row}\n`,
      headers: csv,
    },
    422,
    'invalid_input',
    'input.name',
  ),
  bulk('targets that are no list', { body: { ...suspend, targets: 'a' } }, 422, 'invalid_input', 'targets'),
  bulk(
    'an unknown field',
    { body: { ...suspend, targets: ['a'], colour: 'red' } },
    422,
    'invalid_input',
    'colour',
  ),
  bulk(
    'no such command',
    { body: { command: 'paint-account', targets: ['a'] } },
    422,
    'invalid_input',
    'command',
  ),
  bulk(
    'a filter on no such field',
    { body: { ...suspend, where: { colour: 'red' } } },
    422,
    'invalid_input',
    /colour/,
  ),
  bulk(
    'a count that is not met',
    { body: { ...suspend, targets: ['a', 'b'], expectedCount: 3 } },
    422,
    'invalid_input',
    'expectedCount',
  ),
  bulk(
    'an upload of another type',
    { body: 'x', headers: { 'content-type': 'application/xml' } },
    415,
    'unsupported_media_type',
  ),
  bulk(
    'a map that is no JSON',
    { path: `${upload}&map={`, body: `${columns}\n${row}\n`, headers: csv },
    422,
    'invalid_input',
    'map',
  ),
  bulk(
    'a map to a column that is not there',
    {
      path: `${upload}&map=${encodeURIComponent('{"accountId":"customerID"}')}`,
      body: `${columns}\n${row}\n`,
      headers: csv,
    },
    422,
    'invalid_input',
    /map|customerID/,
  ),
  bulk(
    'a parameter that means nothing',
    { path: `${upload}&colour=red`, body: `${columns}\n${row}\n`, headers: csv },
    422,
    'invalid_input',
    'colour',
  ),
  bulk(
    'a missing column',
    { path: upload, body: 'accountId,plan\na,b\n', headers: csv },
    422,
    'invalid_input',
  ),
  bulk(
    'a column too many',
    { path: upload, body: `${columns},colour\n${row},red\n`, headers: csv },
    422,
    'invalid_input',
    /colour/,
  ),
  bulk(
    'the same column twice',
    { path: upload, body: `${columns},plan\n${row},dsl\n`, headers: csv },
    422,
    'invalid_input',
    /header/,
  ),
  bulk('an empty file', { path: upload, body: '\n', headers: csv }, 400, 'malformed_request'),
  bulk(
    'a quote that nobody closes',
    { path: upload, body: `${columns}\n"csv-1,dsl\n`, headers: csv },
    400,
    'malformed_request',
  ),
  bulk(
    'a quote in the middle',
    { path: upload, body: `${columns}\ncs"v-1,dsl,one-year,12,29.85,358.20\n`, headers: csv },
    400,
    'malformed_request',
  ),
  bulk(
    'a line that is too short',
    { path: upload, body: `${columns}\ncsv-1,dsl\n`, headers: csv },
    400,
    'malformed_request',
  ),
  bulk(
    'a cell of 1 MB',
    { path: upload, body: `${columns}\n${'x'.repeat(1 << 20)},dsl,one-year,12,29.85,358.20\n`, headers: csv },
    413,
    'too_large',
  ),
  bulk(
    'bytes that are no UTF-8',
    { path: upload, body: new Uint8Array([...Buffer.from(`${columns}\n`), 0xff, 0xfe, 0x0a]), headers: csv },
    422,
    'invalid_input',
    /line 2/,
  ),
  bulk(
    'a header and no rows',
    { path: upload, body: `${columns}\n`, headers: csv },
    400,
    'malformed_request',
  ),
  bulk(
    'an unknown encoding',
    { path: `${upload}&encoding=klingon`, body: row, headers: csv },
    422,
    'invalid_input',
    'encoding',
  ),
  bulk(
    'an unknown delimiter',
    { path: `${upload}&delimiter=pipe`, body: row, headers: csv },
    422,
    'invalid_input',
    'delimiter',
  ),
  bulk(
    'an unknown decimal sign',
    { path: `${upload}&decimal=dot`, body: row, headers: csv },
    422,
    'invalid_input',
    'decimal',
  ),
  bulk(
    'a sheet of a CSV',
    { path: `${upload}&sheet=One`, body: row, headers: csv },
    422,
    'invalid_input',
    'sheet',
  ),
  bulk(
    'an unknown charset',
    { path: upload, body: row, headers: { 'content-type': 'text/csv; charset=klingon' } },
    415,
    'unsupported_media_type',
  ),
  bulk(
    'a compressed upload',
    { path: upload, body: row, headers: { ...csv, 'content-encoding': 'gzip' } },
    415,
    'unsupported_media_type',
  ),
  bulk(
    'a workbook that is none',
    { path: upload, body: 'PK rubbish', headers: xlsx },
    400,
    'malformed_request',
    'workbook',
  ),
  bulk('an empty workbook', { path: upload, body: '', headers: xlsx }, 400, 'malformed_request', 'workbook'),
  bulk(
    'a workbook sent as CSV',
    { path: upload, body: 'PK\x03\x04', headers: csv },
    400,
    'malformed_request',
  ),
  bulk(
    'a line that is no JSON',
    { path: upload, body: '{"accountId":"a"}\n{oops\n', headers: ndjson },
    400,
    'malformed_request',
  ),
  bulk(
    'a line that is no object',
    { path: upload, body: '[1]\n', headers: ndjson },
    400,
    'malformed_request',
  ),
];

export const badInput: readonly Refused[] = [
  ...bodies,
  ...inputs,
  ...headers,
  ...queries,
  ...provables,
  ...bulkJobs,
];
