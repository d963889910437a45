/**
 * The one way in which the console talks to the API: same origin, session cookie, JSON, and every
 * refusal thrown as a `Problem`. What needs a fresh sign-in is sent once more after it. It remembers the newest position that a command of ours reached and
 * asks every later read to be at least that new, so that people see what they just did.
 */
import { freshSignIn } from '../step-up/fresh-sign-in.ts';
import { Problem, problemOf, unreachable } from './problem.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Call {
  readonly method?: 'GET' | 'POST';
  readonly query?: Query;
  /** Sent as JSON; a Blob is sent as it is, with its own type. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Ask for a projection that has seen what we did. Not with `asOf`, which names its own moment. */
  readonly fresh?: boolean;
}

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export const base = '/internal/v1';

let newestPosition = 0;

/** Later reads are at least as new as this. */
export const sawPosition = (position: number | undefined): void => {
  if (position !== undefined) newestPosition = Math.max(newestPosition, position);
};

export const urlOf = (path: string, query: Query = {}): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? `${base}${path}` : `${base}${path}?${text}`;
};

export const call = async <Body>(path: string, options: Call = {}): Promise<Answer<Body>> => {
  try {
    return await callOnce<Body>(path, options);
  } catch (error) {
    const isStale = error instanceof Problem && error.code === 'reauthentication_required';
    if (!isStale || !(await freshSignIn(error.message))) throw error;
    return callOnce<Body>(path, options);
  }
};

const callOnce = async <Body>(path: string, options: Call): Promise<Answer<Body>> => {
  const answer = await send(urlOf(path, options.query), {
    method: options.method ?? 'GET',
    headers: headersOf(options),
    body: bodyOf(options.body),
    signal: options.signal ?? null,
    credentials: 'same-origin',
  });
  if (!answer.ok) throw await problemOf(answer);
  sawPosition(Number(answer.headers.get('quarterdeck-position')) || undefined);
  return { status: answer.status, headers: answer.headers, body: (await readJson(answer)) as Body };
};

export const get = async <Body>(path: string, options: Call = {}): Promise<Body> =>
  (await call<Body>(path, options)).body;

const send = async (url: string, init: RequestInit): Promise<Response> => {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw unreachable();
  }
};

const headersOf = ({ body, headers, fresh }: Call): Record<string, string> => ({
  accept: 'application/json',
  ...(body === undefined || body instanceof Blob ? {} : { 'content-type': 'application/json' }),
  ...(fresh === true && newestPosition > 0 ? { 'quarterdeck-min-position': String(newestPosition) } : {}),
  ...headers,
});

const bodyOf = (body: unknown): BodyInit | null => {
  if (body === undefined) return null;
  return body instanceof Blob ? body : JSON.stringify(body);
};

const readJson = async (answer: Response): Promise<unknown> => {
  if (answer.status === 204) return undefined;
  try {
    return await answer.json();
  } catch {
    throw new Problem(answer.status, { title: 'The answer could not be read', code: 'unreadable' });
  }
};
