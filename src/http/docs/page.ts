/**
 * The API as a page to read, rendered on the server from the same route list as the OpenAPI document:
 * no script, nothing from elsewhere, every operation and every problem with an address of its own.
 */
import { openOperations } from '../openapi/fixed.ts';
import { schemas } from '../openapi/parts.ts';
import { allScimOperations } from '../openapi/scim.ts';
import type { Operation } from '../route.ts';
import { type Html, html } from './html.ts';
import { article } from './operation.ts';
import { problems, unescaped } from './problems.ts';
import { fieldTable } from './schema.ts';
import { style } from './style.ts';

/** `operations`: those behind the session; the open ones are added. */
export const docsPage = (operations: readonly Operation[], publicUrl: string): string => {
  const groups = grouped([...operations, ...allScimOperations, ...openOperations]);
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Quarterdeck internal API</title><link rel="icon" href="/favicon.svg" type="image/svg+xml"><style>${unescaped(style)}</style></head>
<body>${index(groups)}<main>${introduction}${groups.map(([tag, members]) => section(tag, members, publicUrl))}
${problems}${schemaSection}</main></body></html>`;
  return page.text;
};

type Groups = readonly (readonly [string, readonly Operation[]])[];

const grouped = (operations: readonly Operation[]): Groups => {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    groups.set(operation.tag, [...(groups.get(operation.tag) ?? []), operation]);
  }
  return [...groups];
};

const index = (
  groups: Groups,
): Html => html`<nav aria-label="Contents"><a class="brand" href="#top">Quarterdeck API</a>
${groups.map(([tag, members]) => html`<h2>${tag}</h2>${members.map(indexEntry)}`)}
<h2>Reference</h2><a href="#problems">Problems</a><a href="#schemas">Schemas</a><a href="/internal/openapi.json">openapi.json</a></nav>`;

const indexEntry = (operation: Operation): Html =>
  html`<a href="#${operation.operationId}"><span class="method ${operation.method}">${operation.method.toUpperCase()}</span>${shortPath(operation.path)}</a>`;

const shortPath = (path: string): string => path.replace('/internal/v1/', '').replace('commands/', '');

const introduction = html`<h1 id="top">Quarterdeck internal API</h1>
<p>Commands go in, events are kept in one append-only log, projections are read. Sign in first; the session cookie is all a browser tool of this origin needs.</p>
<h4>Reading your own writes</h4>
<p>A command answers with a <code>position</code>. A query that sends it as <code>Quarterdeck-Min-Position</code> waits until the projection has reached it.</p>
<h4>Sending twice without harm</h4>
<p>With an <code>Idempotency-Key</code> the same request takes effect once, however often it is sent; the answer is replayed.</p>
<h4>When something is wrong</h4>
<p>Every error is <code>application/problem+json</code> with a stable <a href="#problems"><code>code</code></a>; <code>errors</code> names each field and its remedy.</p>`;

const section = (tag: string, operations: readonly Operation[], publicUrl: string): Html =>
  html`<section><h2>${tag}</h2>${operations.map((operation) => article(operation, publicUrl))}</section>`;

const schemaSection = html`<section id="schemas"><h2>Schemas</h2>${Object.entries(schemas).map(
  ([name, schema]) => html`<article id="schema-${name}"><h3>${name}</h3>${fieldTable(schema)}</article>`,
)}</section>`;
