/** One operation of the documentation page. */
import { problemKinds } from '../problem.ts';
import type { Content, Operation, Parameter } from '../route.ts';
import { type Html, html, prose } from './html.ts';
import { fieldTable, typeOf } from './schema.ts';

export const article = (
  operation: Operation,
  publicUrl: string,
): Html => html`<article id="${operation.operationId}">
<h3><a href="#${operation.operationId}">${prose(operation.summary)}</a></h3>
<div class="path"><span class="method ${operation.method}">${operation.method.toUpperCase()}</span>${operation.path}</div>
${operation.description === undefined ? undefined : html`<p>${prose(operation.description)}</p>`}${badges(operation)}
${body(operation)}${parameters(operation.parameters ?? [])}${answers(operation)}${example(operation, publicUrl)}</article>`;

const badges = ({ permission, notes = {} }: Operation): Html => {
  const words: readonly (string | undefined)[] = [
    permission === undefined ? undefined : `needs ${permission}`,
    notes['x-reason-required'] === true ? 'needs a reason' : undefined,
    notes['x-approval-required'] === true ? 'needs an approval' : undefined,
    typeof notes['x-bulk-field'] === 'string' ? `in bulk by ${notes['x-bulk-field']}` : undefined,
    typeof notes['x-inverse'] === 'string' ? `taken back by ${notes['x-inverse']}` : undefined,
    typeof notes['x-irreversible'] === 'string' ? 'irreversible' : undefined,
  ];
  return html`<div>${words.filter((word) => word !== undefined).map((word) => html`<span class="badge">${word}</span>`)}</div>`;
};

const body = ({ body: requestBody }: Operation): Html | undefined => {
  if (requestBody === undefined) return undefined;
  const contents = Object.entries(requestBody.content).map(
    ([type, { schema }]) =>
      html`<h4>Body, <code>${type}</code></h4>${fieldTable(schema) ?? html`<p>${typeOf(schema)}</p>`}`,
  );
  return html`${contents}${requestBody.description === undefined ? undefined : html`<p>${prose(requestBody.description)}</p>`}`;
};

const parameters = (all: readonly Parameter[]): Html | undefined => {
  if (all.length === 0) return undefined;
  const rows = all.map(
    ({ name, in: place, schema, description, required }) =>
      html`<tr><td><code>${name}</code>${required === true ? html` <span class="required">•</span>` : undefined}</td><td class="type">${place}, ${typeOf(schema)}</td><td>${prose(description)}</td></tr>`,
  );
  const table = html`<div class="scroll"><table><thead><tr><th>Parameter</th><th></th><th></th></tr></thead><tbody>${rows}</tbody></table></div>`;
  return all.length > 8
    ? html`<details><summary>${all.length} parameters and headers</summary>${table}</details>`
    : html`<h4>Parameters and headers</h4>${table}`;
};

const answers = ({ answers: all, codes }: Operation): Html => {
  const good = all.map(
    ({ status, description, content }) =>
      html`<tr><td>${status}</td><td class="type">${content === undefined ? '' : typesOf(content)}</td><td>${prose(description)}</td></tr>`,
  );
  const bad = codes.map(
    (code) =>
      html`<li><a href="#problem-${code}"><code>${code}</code></a> <span>${problemKinds[code].status}</span></li>`,
  );
  return html`<h4>Answers</h4><div class="scroll"><table><tbody>${good}</tbody></table></div>${bad.length === 0 ? undefined : html`<ul class="errors">${bad}</ul>`}`;
};

const typesOf = (content: Content): string => Object.keys(content).join(', ');

const example = (operation: Operation, publicUrl: string): Html | undefined => {
  const given = operation.body?.content['application/json']?.example;
  if (given === undefined) return undefined;
  const lines = [
    `curl -X POST '${publicUrl}${operation.path}'`,
    `  -H 'Content-Type: application/json' -H 'Idempotency-Key: 7f0c2a9e'`,
    `  -b "$SESSION" -H 'Origin: ${new URL(publicUrl).origin}'`,
    `  -d '${JSON.stringify(given)}'`,
  ];
  return html`<h4>Example</h4><pre>${lines.join(' \\\n')}</pre>`;
};
