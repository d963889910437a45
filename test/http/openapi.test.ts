/** The OpenAPI document and its page: valid, whole, made from the definitions. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { errorCodes } from '../../src/errors.ts';
import { type Office, openOffice } from './office.ts';

type Json = Record<string, unknown>;

let office: Office;
let cookie: string;
let document: Json & { paths: Record<string, Record<string, Json>> };
beforeAll(async () => {
  office = await openOffice();
  cookie = await office.signIn('clerks');
  const answer = await fetch(`${office.base}/internal/openapi.json`, { headers: { cookie } });
  document = (await answer.json()) as typeof document;
});
afterAll(() => office.close());

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  test('points to nothing that is not there', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, path]) => path ?? '',
    );
    expect(refs.length).toBeGreaterThan(10);
    for (const path of new Set(refs)) {
      const target = path
        .split('/')
        .reduce<unknown>((at, name) => (at as Json | undefined)?.[name], document);
      expect([path, typeof target]).toEqual([path, 'object']);
    }
  });

  test('has one operation a command, with its input, its permission and its marks', () => {
    const operation = document.paths['/internal/v1/commands/post-parcel']?.post;
    expect(operation).toMatchObject({
      operationId: 'postParcel',
      'x-permission': 'parcels:post',
      'x-bulk-field': 'parcelId',
      'x-personal': ['to'],
    });
    const { schema, example } =
      (operation as never as { requestBody: { content: Record<string, { schema: Json; example: Json }> } })
        .requestBody.content['application/json'] ?? {};
    expect(schema).toMatchObject({
      required: ['parcelId', 'to', 'weight'],
      additionalProperties: false,
      properties: { to: { 'x-personal': true } },
    });
    expect(Object.keys(example ?? {})).toEqual(['parcelId', 'to', 'weight']);
  });

  test('gives every operation an id of its own', () => {
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('says of every operation behind the session that it may answer 401, 403 and 500', () => {
    for (const [path, item] of Object.entries(document.paths)) {
      if (!path.startsWith('/internal')) continue;
      for (const { responses } of Object.values(item)) {
        expect([path, Object.keys(responses as Json)]).toEqual([
          path,
          expect.arrayContaining(['401', '403', '500']),
        ]);
      }
    }
  });

  test('names every code somewhere', () => {
    const text = JSON.stringify(document);
    for (const code of errorCodes) expect(text).toContain(`"${code}"`);
  });
});

describe('the documentation page', () => {
  test('has every operation and every problem at an address of its own, and no script', async () => {
    const answer = await fetch(`${office.base}/internal/docs`, { headers: { cookie } });
    const page = await answer.text();
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    for (const item of Object.values(document.paths)) {
      for (const { operationId } of Object.values(item)) expect(page).toContain(`id="${operationId}"`);
    }
    for (const code of errorCodes) expect(page).toContain(`id="problem-${code}"`);
    expect(page).not.toMatch(/<script|javascript:|https?:\/\/(?!127\.0\.0\.1)/);
    expect(page).toContain('Hands a parcel to the &lt;post&gt;');
  });

  test('links to nothing that is not on it', async () => {
    const page = await (await fetch(`${office.base}/internal/docs`, { headers: { cookie } })).text();
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(id);
  });
});
