/**
 * A browser as far as signing in needs one: a cookie jar a host and port, redirects followed one by one,
 * forms filled in and submitted, `Origin` sent with every post.
 */
export interface Step {
  readonly status: number;
  readonly url: URL;
  readonly headers: Headers;
  readonly text: string;
}

export interface Form {
  readonly action: string;
  readonly method: string;
  readonly fields: URLSearchParams;
  /** Values of its buttons named `user`. */
  readonly users: readonly string[];
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] ?? '');

const attributeOf = (tag: string, name: string): string | undefined => {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? undefined : unescaped(value);
};

export const formIn = (html: string): Form => {
  const text = /<form[^>]*>[\s\S]*?<\/form>/.exec(html)?.[0];
  if (text === undefined) throw new Error(`there is no form in: ${html.slice(0, 500)}`);
  const fields = new URLSearchParams();
  for (const [tag] of text.matchAll(/<input[^>]*>/g))
    fields.set(attributeOf(tag, 'name') ?? '', attributeOf(tag, 'value') ?? '');
  const buttons = [...text.matchAll(/<button[^>]*>/g)].map(([tag]) => tag);
  return {
    action: attributeOf(text, 'action') ?? '',
    method: (attributeOf(text, 'method') ?? 'get').toUpperCase(),
    fields,
    users: buttons.flatMap((tag) =>
      attributeOf(tag, 'name') === 'user' ? (attributeOf(tag, 'value') ?? []) : [],
    ),
  };
};

export class Browser {
  readonly #base: string;
  readonly #jars = new Map<string, Map<string, string>>();

  constructor(base: string) {
    this.#base = base;
  }

  cookies(host = new URL(this.#base).host): string {
    return [...(this.#jars.get(host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  setCookie(name: string, value: string): void {
    this.#jarOf(new URL(this.#base).host).set(name, value);
  }

  #jarOf(host: string): Map<string, string> {
    const jar = this.#jars.get(host) ?? new Map<string, string>();
    this.#jars.set(host, jar);
    return jar;
  }

  async go(
    method: string,
    address: string,
    body?: URLSearchParams,
    headers: Record<string, string> = {},
  ): Promise<Step> {
    const url = new URL(address, this.#base);
    const cookie = this.cookies(url.host);
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        ...(cookie === '' ? {} : { cookie }),
        ...(method === 'GET' ? {} : { origin: url.origin }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const [name = '', value = ''] = pair.split('=');
      if (/max-age=0/i.test(line)) this.#jarOf(url.host).delete(name);
      else this.#jarOf(url.host).set(name, value);
    }
    return { status: response.status, url, headers: response.headers, text: await response.text() };
  }

  async get(address: string, headers?: Record<string, string>): Promise<Step> {
    return this.go('GET', address, undefined, headers);
  }

  /** Follows redirects until there is a page, or until they lead out of `/auth` of our own host. */
  async follow(step: Step): Promise<Step> {
    const location = step.headers.get('location');
    if (step.status < 300 || step.status > 399 || location === null) return step;
    const next = new URL(location, step.url);
    const arrived = next.origin === new URL(this.#base).origin && !next.pathname.startsWith('/auth');
    return arrived ? step : this.follow(await this.get(next.href));
  }

  /** Up to the form that the provider posts to us, not yet submitted. */
  async answerFor(user: string, returnTo = '/'): Promise<Form> {
    const choice = await this.follow(
      await this.get(`/auth/saml/login?return_to=${encodeURIComponent(returnTo)}`),
    );
    const form = formIn(choice.text);
    form.fields.set('user', user);
    const answer = await this.go(form.method, new URL(form.action, choice.url).href, form.fields);
    return formIn(answer.text);
  }

  async submit(form: Form): Promise<Step> {
    return this.go(form.method, form.action, form.fields);
  }

  async signIn(user: string, returnTo = '/'): Promise<Step> {
    return this.submit(await this.answerFor(user, returnTo));
  }
}
