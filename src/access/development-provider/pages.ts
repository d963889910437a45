/** The development provider's pages: who do you want to be, and the form that takes the answer back. */
import { type Page, page } from '../pages.ts';
import { escaped } from '../saml/xml.ts';
import { developmentUsers } from './users.ts';

const hidden = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`)
    .join('\n');

/** One form; each button names a user. `fields` is the request, taken along and checked again. */
export const choicePage = (fields: Readonly<Record<string, string>>): Page =>
  page({
    title: 'Sign in for development',
    formAction: "'self'",
    body: `<p>This identity provider runs on your own machine, asks for no password and is never there in production. Who do you want to be?</p>
<form method="post" action="/sign-in">
${hidden(fields)}
<ul>
${developmentUsers
  .map(
    ({ email, displayName }) =>
      `<li><button type="submit" name="user" value="${escaped(email)}"><strong>${escaped(displayName)}</strong><br>${escaped(email)}</button></li>`,
  )
  .join('\n')}
</ul>
</form>`,
  });

const submit = 'document.forms[0].submit();';

/** Goes on by itself; the button is for browsers without script. */
export const answerPage = (url: string, fields: Readonly<Record<string, string>>): Page =>
  page({
    title: 'Signing you in',
    formAction: new URL(url).origin,
    script: submit,
    body: `<form method="post" action="${escaped(url)}">
${hidden(fields)}
<p><button type="submit">Continue to Quarterdeck</button></p>
</form>`,
  });

export const plainPage = (status: number, title: string, text: string): Page =>
  page({ status, title, body: `<p>${escaped(text)}</p>` });

/** To try sign-out that begins at the provider. */
export const homePage = (sloUrl: string): Page =>
  page({
    title: 'Development identity provider',
    // Browsers hold the redirect that follows a form to this list too.
    formAction: `'self' ${new URL(sloUrl).origin}`,
    body: `<p>For development on this machine only. End somebody’s sessions from the provider’s side:</p>
<form method="post" action="/sign-out">
<ul>
${developmentUsers.map(({ email }) => `<li><button type="submit" name="user" value="${escaped(email)}">Sign out ${escaped(email)}</button></li>`).join('\n')}
</ul>
</form>`,
  });
