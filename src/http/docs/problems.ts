/**
 * What each code means and what to do about it: part of the documentation, and a page of its own that needs no session,
 * because whoever is told an error may have none. It tells nothing of what this installation is for.
 */
import { type ErrorCode, errorCodes } from '../../errors.ts';
import { problemKinds } from '../problem.ts';
import { type Html, html, prose } from './html.ts';
import { style } from './style.ts';

const remedies: Readonly<Record<ErrorCode, string>> = {
  malformed_request: 'The request is not HTTP, JSON or a file as it says it is; `detail` says where.',
  not_authenticated:
    'Send the session cookie, or a token as `Authorization: Bearer …`; either may have ended. People sign in at `/auth/saml/login`.',
  reauthentication_required:
    'This asks for a sign-in of just now: `signIn` says where, for tools `reauthorize`.',
  not_permitted:
    '`permission` is what is missing; roles are given by groups in the access policy. A cookie needs the `Origin` header of this address.',
  network_refused: 'Only networks that are allowed reach this service; ask whoever runs it.',
  customer_credential_refused:
    'A customer’s key or token was sent. This API is for the company’s own tools; take that credential out of the tool.',
  not_found: 'There is nothing at this address, or it lies out of the caller’s reach.',
  rejected:
    'Everything was right, and a rule of the business said no: `rejection` is its code. Sent again it is refused again.',
  idempotency_in_flight: 'The first request with this key is still at work. Send it again a little later.',
  results_expired: 'Results of single items are kept for a time; the job itself, and the log, stay.',
  export_expired: 'Files of exports are kept for a time. Start another export.',
  version_conflict:
    'Somebody changed it since it was read. Read it anew, decide, send that version in `If-Match`.',
  too_large: 'Send less at once; `detail` says how much is taken.',
  range_not_satisfiable: 'The file ends before that; ask for a part within it.',
  unsupported_media_type: 'Send the `Content-Type` that the operation takes.',
  invalid_input: '`errors` names each field by its path and what it takes.',
  idempotency_key_reused: 'A key stands for one request. Take a new key for another one.',
  reason_required:
    'Say why: in the input’s own `reason`, or percent-encoded in the header `Quarterdeck-Reason`.',
  too_many_requests: 'Wait as many seconds as `Retry-After` says.',
  internal: 'A fault of ours, and in our log under `requestId`: tell that to whoever runs this service.',
  unavailable: 'Send it again after as many seconds as `Retry-After` says, with the same `Idempotency-Key`.',
  snapshot_building:
    'What is asked for is being made. Ask again after as many seconds as `Retry-After` says.',
  projection_behind: 'The rows have not caught up with `Quarterdeck-Min-Position` yet. Ask again.',
};

const row = (code: ErrorCode): Html =>
  html`<tr id="problem-${code}"><td><code>${code}</code></td><td>${problemKinds[code].status}</td><td>${prose(problemKinds[code].title)}. ${prose(remedies[code])}</td></tr>`;

export const problems = html`<section id="problems"><h2>Problems</h2><div class="scroll"><table><thead><tr><th>Code</th><th>Status</th><th></th></tr></thead><tbody>
${errorCodes.map(row)}
</tbody></table></div></section>`;

export const unescaped = (css: string): Html =>
  html(Object.assign([css], { raw: [css] }) as TemplateStringsArray);

/** To be read without a session. */
export const problemsPage = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Quarterdeck: problems</title><link rel="icon" href="/favicon.svg" type="image/svg+xml"><style>${unescaped(style)}</style></head>
<body><nav aria-label="Contents"><a class="brand" href="/internal/docs">Quarterdeck API</a><h2>Problems</h2>
${errorCodes.map((code) => html`<a href="#problem-${code}">${code}</a>`)}</nav>
<main><h1>What went wrong</h1>
<p>Every error is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is stable and its <code>type</code> leads here; <code>detail</code> and <code>errors</code> say what to do about this very request. Every operation is in the <a href="/internal/docs">documentation</a>, which asks you to sign in.</p>
${problems}</main></body></html>`.text;
