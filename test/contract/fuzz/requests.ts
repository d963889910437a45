/**
 * Random and mutated requests, made from the OpenAPI document: right ones, ones that are wrong in a place,
 * and ones that are hardly requests any more.
 */
import fc from 'fast-check';
import { type JsonSchema, textOf, valueFor } from './values.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header' | 'path';
  readonly schema: JsonSchema;
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly 'x-permission'?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
}

export interface Fuzzed {
  readonly method: string;
  /** Path and query as they go over the wire. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

const contentTypes = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'application/scim+json',
  'text/csv',
  'application/x-ndjson',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application/xml',
  'application/octet-stream',
  'text/html',
  'nonsense',
  '',
];

const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'trace'];

const rarely = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 4): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });

/** What node lets out of the door; what is beyond it no server behind node's parser sees either. */
const sendable = (text: string): string => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?').slice(0, 4_000);

const segment = rarely(
  fc.constantFrom('7590-VHVEG', 'fuzz-1', '1', '0', 'none', '00000000-0000-4000-8000-000000000000'),
  fc.oneof(
    textOf().map(encodeURIComponent_),
    fc.constantFrom('..', '.', '%00', '%2e%2e', '%', '%zz', '%ff', 'a%2fb', '*', '$access', '🙂', ''),
  ),
);

function encodeURIComponent_(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '?')).slice(0, 2_000);
}

const pathOf = ({ path }: Operation): fc.Arbitrary<string> => {
  const parts = path.split('/').map((part) => (part.startsWith('{') ? segment : fc.constant(part)));
  const whole = fc.tuple(...parts).map((made) => made.join('/'));
  const mangled = fc.tuple(whole, segment, fc.nat()).map(([made, odd, at]) => {
    // Behind the slash: what does not begin with one is no HTTP, and refused before there is a request.
    const index = 1 + (at % (made.length - 1));
    return `${made.slice(0, index)}${odd}${made.slice(index)}`;
  });
  return rarely(whole, mangled, 9);
};

const queryOf = ({ parameters = [] }: Operation): fc.Arbitrary<string> => {
  const known = parameters.filter((parameter) => parameter.in === 'query');
  const pair =
    known.length === 0
      ? fc.tuple(textOf(), textOf())
      : rarely(
          fc
            .constantFrom(...known)
            .chain(({ name, schema }) =>
              fc.tuple(fc.constant(name), rarely(valueFor(schema).map(String), textOf())),
            ),
          fc.tuple(textOf(), textOf()),
        );
  const written = pair.map(([name, value]) => `${encodeURIComponent_(name)}=${encodeURIComponent_(value)}`);
  return rarely(
    fc.array(written, { maxLength: 4 }).map((pairs) => (pairs.length === 0 ? '' : `?${pairs.join('&')}`)),
    fc.constantFrom('?', '?&&&', '?=', '?a', '?%', '?%ff=%ff', '?limit=1&limit=2', '?cursor=xx', '?where={'),
    6,
  );
};

/** A position far ahead would have the server wait for it: that is what it is for, and no fault. */
const headersOf = ({ parameters = [] }: Operation): fc.Arbitrary<Record<string, string>> => {
  const known = parameters.filter(
    ({ in: place, name }) => place === 'header' && name !== 'Quarterdeck-Min-Position',
  );
  const name = rarely(
    known.length === 0 ? fc.constant('x-odd') : fc.constantFrom(...known.map((one) => one.name)),
    fc.constantFrom(
      'accept',
      'content-encoding',
      'origin',
      'x-forwarded-for',
      'authorization',
      'x-api-key',
      'range',
    ),
  );
  const value = rarely(
    fc.constantFrom(
      '"1"',
      '"0"',
      'W/"1"',
      '*',
      'identity',
      'gzip',
      'why%20not',
      'null',
      'Bearer x',
      'text/html',
    ),
    textOf(),
  );
  return fc
    .array(fc.tuple(name, value.map(sendable)), { maxLength: 4 })
    .map((pairs) => Object.fromEntries(pairs) as Record<string, string>);
};

const mangledBytes = (usual: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc.oneof(
    fc.tuple(usual, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1))),
    fc.tuple(usual, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at % copy.length] = byte;
      return copy;
    }),
    usual.map((bytes) => Buffer.from(bytes.toString('utf8'), 'utf16le')),
    usual.map((bytes) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])),
    fc.uint8Array({ maxLength: 200 }).map(Buffer.from),
    fc.nat(3_000).map((depth) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))),
  );

const bodyOf = ({ requestBody }: Operation): fc.Arbitrary<Buffer | undefined> => {
  const content = Object.values(requestBody?.content ?? {});
  const value =
    content.length === 0 ? fc.jsonValue() : fc.oneof(...content.map(({ schema }) => valueFor(schema)));
  const json = rarely(value, fc.jsonValue()).map((made) => Buffer.from(JSON.stringify(made) ?? ''));
  const lines = fc.array(fc.array(textOf(), { maxLength: 6 }), { maxLength: 5 });
  const csv = lines.map((rows) => Buffer.from(rows.map((row) => row.join(',')).join('\n')));
  const usual = rarely(json, csv, 8);
  return rarely<Buffer | undefined>(rarely(usual, mangledBytes(usual), 4), fc.constant(undefined), 8);
};

/** A request about that operation, or about what is left of it. */
const requestOf = (operation: Operation): fc.Arbitrary<Fuzzed> => {
  const types = Object.keys(operation.requestBody?.content ?? { 'application/json': {} });
  return fc
    .record({
      method: rarely(fc.constant(operation.method), fc.constantFrom(...methods), 9),
      path: pathOf(operation),
      query: queryOf(operation),
      headers: headersOf(operation),
      type: rarely(fc.constantFrom(...types), fc.constantFrom(...contentTypes)),
      body:
        operation.method === 'get'
          ? rarely(fc.constant(undefined), bodyOf(operation), 20)
          : bodyOf(operation),
    })
    .map(({ method, path, query, headers, type, body }) => ({
      method: method.toUpperCase(),
      path: sendable(`${path}${query}`).replace(/[^\x21-\x7e]/g, '%20') || '/',
      headers: { ...headers, ...(body === undefined || type === '' ? {} : { 'content-type': type }) },
      body,
    }));
};

export const requestsOf = (operations: readonly Operation[]): fc.Arbitrary<Fuzzed> =>
  fc.constantFrom(...operations).chain(requestOf);
