/** The product as `npm start` starts it, on the bench's server; and signing in to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { masterKey } from './processes/commands.ts';
import { nodeFlags } from './processes.ts';
import type { Place } from './server.ts';

export interface Service {
  readonly url: string;
  readonly pid: number;
  /** CPU time so far, microseconds, where /proc is there. */
  cpuMicros(): Promise<number>;
  /** Resident memory now, bytes. */
  residentBytes(): Promise<number>;
  stop(): Promise<void>;
}

const project = fileURLToPath(new URL('..', import.meta.url));

const readyLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = '';
    const listen = (bytes: Buffer): void => {
      said += bytes.toString();
      const url = /Quarterdeck is ready at (\S+)/.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', (code) => reject(new Error(`the service ended with code ${code}:\n${said}`)));
  });

export const startService = async (
  { ownerUrl, applicationUrl }: Place,
  environment: Readonly<Record<string, string>> = {},
): Promise<Service> => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'quarterdeck-bench-service-'));
  const child = spawn(process.execPath, [...nodeFlags, 'dist/main.js'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DATABASE_URL: applicationUrl,
      QUARTERDECK_OWNER_DATABASE_URL: ownerUrl,
      QUARTERDECK_PORT: '0',
      QUARTERDECK_DATA_DIR: dataDir,
      QUARTERDECK_DEMO: 'off',
      QUARTERDECK_MASTER_KEY: masterKey.toString('base64'),
      ...environment,
    },
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const url = await readyLine(child);
  const pid = child.pid ?? 0;
  return {
    url,
    pid,
    async cpuMicros() {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
      const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
      return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10_000;
    },
    async residentBytes() {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1_024;
    },
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(tag)?.[1]?.replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** The fields of the page's form, and where it goes; `user` is the button that was pressed. */
const formOf = (html: string, user: string) => {
  const forms = [...html.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/gi)].map(([form]) => form);
  const form = forms.find((one) => one.includes(user)) ?? forms[0] ?? '';
  const fields = new URLSearchParams();
  for (const [input] of form.matchAll(/<input\b[^>]*>/gi)) {
    const name = attribute(input, 'name');
    if (name !== undefined) fields.set(name, attribute(input, 'value') ?? '');
  }
  if (form.includes('name="user"')) fields.set('user', user);
  return { action: attribute(/<form\b[^>]*>/i.exec(form)?.[0] ?? '', 'action'), fields };
};

/** Signs in through the development provider, as a browser would; the cookie of the session. */
export const signIn = async (base: string, user: string): Promise<string> => {
  const jars = new Map<string, Map<string, string>>();
  const cookies = (url: URL): string =>
    [...(jars.get(url.host) ?? [])].map(([k, v]) => `${k}=${v}`).join('; ');
  let url = new URL('/auth/saml/login?return_to=/livez', base);
  let body: URLSearchParams | undefined;
  for (let hop = 0; hop < 20; hop++) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: cookies(url), origin: url.origin },
      ...(body === undefined ? {} : { method: 'POST', body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      const jar = jars.get(url.host) ?? new Map<string, string>();
      jars.set(url.host, value === '' ? new Map([...jar].filter(([n]) => n !== name)) : jar.set(name, value));
    }
    const text = await response.text();
    body = undefined;
    const location = response.headers.get('location');
    if (location !== null) url = new URL(location, url);
    else if (url.pathname === '/livez') return cookies(url);
    else {
      const { action, fields } = formOf(text, user);
      url = new URL(action ?? url.href, url);
      body = fields;
    }
  }
  throw new Error(`signing in as ${user} did not end`);
};

export interface Api {
  readonly url: string;
  readonly cookie: string;
  get<Answer>(path: string): Promise<Answer>;
  post<Answer>(path: string, body: object | string, type?: string): Promise<Answer>;
}

export const apiOf = async (url: string, user: string): Promise<Api> => {
  const cookie = await signIn(url, user);
  const ask = async <Answer>(path: string, init: RequestInit): Promise<Answer> => {
    const headers = { cookie, origin: url, ...(init.headers as Record<string, string> | undefined) };
    const response = await fetch(new URL(path, url), { ...init, headers });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  return {
    url,
    cookie,
    get: (path) => ask(path, {}),
    post: (path, body, type = 'application/json') =>
      ask(path, {
        method: 'POST',
        headers: { 'content-type': type, 'idempotency-key': crypto.randomUUID() },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
};

export interface JobView {
  readonly id: string;
  readonly state: string;
  readonly total: number;
  readonly succeeded: number;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly position: number;
}

/** Waits for the end of a bulk job, told every so often what to look at meanwhile. */
export const ended = async (api: Api, id: string, meanwhile?: () => Promise<void>): Promise<JobView> => {
  for (;;) {
    const job = await api.get<JobView>(`/internal/v1/bulk-jobs/${id}`);
    if (job.finishedAt !== null) return job;
    await meanwhile?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** Opens accounts `<prefix>0` … by an upload; the job when it has ended. */
export const uploadAccounts = async (api: Api, prefix: string, count: number): Promise<JobView> => {
  const lines = Array.from({ length: count }, (_, n) =>
    JSON.stringify({
      accountId: `${prefix}${n}`,
      plan: 'basic',
      contract: 'month-to-month',
      paymentMethod: 'Electronic check',
      tenureMonths: 12,
      monthlyCharges: '29.85',
      totalCharges: '358.20',
    }),
  );
  const path = '/internal/v1/bulk-jobs?command=open-account';
  const { id } = await api.post<JobView>(path, `${lines.join('\n')}\n`, 'application/x-ndjson');
  const job = await ended(api, id);
  if (job.succeeded !== count) throw new Error(`opening accounts ended ${JSON.stringify(job)}`);
  return job;
};

/** Until the accounts' rows show the position. */
export const projectedTo = async (api: Api, position: number): Promise<void> => {
  const response = await fetch(new URL('/internal/v1/accounts?limit=1', api.url), {
    headers: { cookie: api.cookie, 'quarterdeck-min-position': String(position) },
  });
  await response.text();
  if (!response.ok) return projectedTo(api, position);
};
