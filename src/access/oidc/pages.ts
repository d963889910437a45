/**
 * Pages of signing tools in: the two on which a person lets a device in, and that of a refusal. They say
 * which tool asks, from where, what it may do and as whom, so that nobody confirms a code that somebody
 * else sent them.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Page, page } from '../pages.ts';
import { escaped } from '../saml/xml.ts';

export const sendPage = (
  ctx: Pick<KoaContextWithOIDC, 'status' | 'body' | 'type' | 'set'>,
  { status, html, contentSecurityPolicy }: Page,
): void => {
  ctx.status = status;
  ctx.type = 'text/html; charset=utf-8';
  ctx.set('Content-Security-Policy', contentSecurityPolicy);
  ctx.set('Cache-Control', 'no-store');
  ctx.body = html;
};

interface DeviceForm {
  readonly action: string;
  readonly xsrf: string;
}

const field = (name: string, value: string): string =>
  `<input type="hidden" name="${name}" value="${escaped(value)}">`;

export const codePage = (
  { action, xsrf }: DeviceForm,
  { code = '', problem }: { readonly code?: string | undefined; readonly problem?: string | undefined },
): Page =>
  page({
    status: problem === undefined ? 200 : 400,
    title: 'Sign a device in',
    formAction: "'self'",
    body: `${problem === undefined ? '' : `<p role="alert"><strong>${escaped(problem)}</strong></p>\n`}<p>Type the code that your tool shows you. Never type one that somebody sent you.</p>
<form method="post" action="${escaped(action)}">
${field('xsrf', xsrf)}
<p><label>Code<br><input name="user_code" value="${escaped(code)}" autocomplete="off" autocapitalize="characters" spellcheck="false" autofocus required maxlength="20"></label></p>
<button type="submit">Go on</button>
</form>`,
  });

export interface DeviceAsks {
  readonly tool: string;
  readonly code: string;
  readonly as: string;
  readonly scope: readonly string[];
  readonly ip: string;
  readonly client: string;
}

export const confirmPage = ({ action, xsrf }: DeviceForm, asks: DeviceAsks): Page =>
  page({
    title: `Let ${asks.tool} act as you?`,
    formAction: "'self'",
    body: `<p>You are signed in as <strong>${escaped(asks.as)}</strong>. Whoever holds this device will act under your name, as far as your own permissions reach, until you end it in the console or two weeks have passed.</p>
<dl>
<dt>Code, as your tool shows it</dt><dd><strong>${escaped(asks.code)}</strong></dd>
<dt>Tool</dt><dd>${escaped(asks.tool)}</dd>
<dt>May at most</dt><dd>${escaped(asks.scope.join(', ') || 'nothing')}</dd>
<dt>Asked from</dt><dd>${escaped(asks.ip)}, ${escaped(asks.client)}</dd>
</dl>
<p>If you did not start this yourself, just now, say no.</p>
<form method="post" action="${escaped(action)}">
${field('xsrf', xsrf)}
${field('user_code', asks.code)}
<p><button type="submit" name="abort" value="yes">No, this was not me</button></p>
<p><button type="submit" name="confirm" value="yes">Yes, the code is the same: let it in</button></p>
</form>`,
  });

export const deviceDonePage = (tool: string): Page =>
  page({
    title: 'The device is signed in',
    body: `<p>${escaped(tool)} may now act as you. You can close this page.</p>`,
  });

export const deviceRefusedPage = (): Page =>
  page({
    title: 'The device was not let in',
    body: '<p>Nobody got anything. You can close this page.</p>',
  });

export const refusalPage = (status: number, error: string, description: string | undefined): Page =>
  page({
    status,
    title: 'The tool cannot be signed in',
    body: `<p>Begin again in the tool; if it stays so, tell whoever looks after the tool.</p>
<p class="quiet">Code: ${escaped(error)}${description === undefined ? '' : ` (${escaped(description)})`}</p>`,
  });
