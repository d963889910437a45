/**
 * The few pages that access itself shows: plain HTML without script, with a policy that lets nothing else
 * in. They say what happened and what to do next, never why in terms of the machine.
 */
import { createHash } from 'node:crypto';
import { escaped } from './saml/xml.ts';

export interface Page {
  readonly status: number;
  readonly html: string;
  /** For `Content-Security-Policy`. */
  readonly contentSecurityPolicy: string;
}

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText; }
main { max-width: 30rem; padding: 2rem; }
h1 { font-size: 1.4rem; margin: 0 0 .75rem; }
p { margin: 0 0 1rem; }
ul { list-style: none; padding: 0; margin: 0; }
li { margin: 0 0 .5rem; }
.quiet { opacity: .75; font-size: .875rem; }
a, button { font: inherit; }
button { width: 100%; padding: .6rem 1rem; border: 1px solid; border-radius: .4rem; background: ButtonFace; color: ButtonText; cursor: pointer; text-align: left; }
button:hover, button:focus-visible { outline: 2px solid Highlight; outline-offset: 2px; }
`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

interface PageText {
  readonly status?: number;
  readonly title: string;
  /** HTML, already escaped. */
  readonly body: string;
  /** Where its forms may lead; nowhere by default. */
  readonly formAction?: string;
  /** A script of ours, allowed by its hash. */
  readonly script?: string;
}

export const page = ({ status = 200, title, body, formAction = "'none'", script }: PageText): Page => ({
  status,
  contentSecurityPolicy: [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`]),
    `form-action ${formAction}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${body}
</main>
${script === undefined ? '' : `<script>${script}</script>\n`}</body>
</html>
`,
});

/** A refusal or fault, with the way back. */
export const failurePage = (status: number, title: string, text: string, code: string): Page =>
  page({
    status,
    title,
    body: `<p>${escaped(text)}</p>
<p><a href="/auth/saml/login?return_to=%2F">Sign in</a></p>
<p class="quiet">Code: ${escaped(code)}</p>`,
  });

export const signedOutPage = (): Page =>
  page({
    title: 'Signed out',
    body: '<p>You are signed out.</p>\n<p><a href="/">Back to Quarterdeck</a></p>',
  });

/** Where several identity providers are known. */
export const choiceOfProviderPage = (
  providers: readonly { readonly id: string }[],
  returnTo: string,
  forced = false,
): Page =>
  page({
    title: 'Sign in with',
    body: `<ul>\n${providers
      .map(({ id }) => {
        const href = `/auth/saml/login?provider=${encodeURIComponent(id)}&return_to=${encodeURIComponent(returnTo)}${forced ? '&force=true' : ''}`;
        return `<li><a href="${escaped(href)}">${escaped(id)}</a></li>`;
      })
      .join('\n')}\n</ul>`,
  });
