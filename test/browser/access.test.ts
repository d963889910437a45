/** Signing in once more in the middle of something, and ending sessions, as people do it in Chromium. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as oidc from 'openid-client';
import type { Browser, Page } from 'playwright-core';
import { areas } from '../../src/domain/index.ts';
import { createPool, createQuarterdeck, type Quarterdeck } from '../../src/index.ts';
import { callback, signIn as signInTool } from '../access/oidc/installation.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { chromium, describeWhere } from '../setup/needs.ts';
import { until } from '../setup/until.ts';
import { buildConsole } from './console-server.ts';
import { faultsOf, fitsInto, launchBrowser, openAccounts, signIn } from './person.ts';

/** Long enough to be fresh after signing in, short enough not to be by the time that a test wants it. */
const freshMs = 3_000;

/** The sample domain, where suspending an account is something that one signs in for once more. */
const strictAreas = areas.map((area) => ({
  ...area,
  commands: area.commands.map((command) =>
    command.name === 'suspend-account'
      ? { ...command, needs: { ...command.needs, freshSignInMinutes: freshMs / 60_000 } }
      : command,
  ),
}));

describeWhere(chromium, 'Access in the console', () => {
  let db: TestDatabase;
  let pool: ReturnType<typeof createPool>;
  let dataDir: string;
  let server: Server;
  let quarterdeck: Quarterdeck;
  let browser: Browser;
  let url: string;
  let page: Page;
  let faults: readonly string[];

  beforeAll(async () => {
    await buildConsole();
    db = await testDatabase();
    dataDir = await mkdtemp(join(tmpdir(), 'quarterdeck-access-'));
    pool = createPool({ url: db.applicationUrl, onError: () => undefined });
    server = createServer((request, response) => quarterdeck.app(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const sample = readFileSync(new URL('../../access-policy.yaml', import.meta.url), 'utf8');
    const policy = sample.replace(
      /^tools:\n/m,
      `tools:\n  desk: { kind: web, redirectUris: [${callback}], scope: ['accounts:*', 'support:*'] }\n`,
    );
    const options = { areas: strictAreas, policy, pool, dataDir, publicUrl: url, console: true };
    quarterdeck = await createQuarterdeck(options);
    quarterdeck.attach(server);
    await quarterdeck.start();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    server.closeAllConnections();
    server.close();
    await quarterdeck.stop();
    await pool.end();
    await db.drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage();
    faults = faultsOf(page);
  });
  afterEach(async () => {
    await page.context().close();
    expect(faults).toEqual([]);
  });

  const picture = async (name: string): Promise<void> => {
    const folder = process.env.QUARTERDECK_PICTURES;
    if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
  };

  test('a person signs in once more in another tab, and what they had filled in is sent', async () => {
    await signIn(page, url, 'admin@dev.test');
    await openAccounts(page, url, ['step-1,DSL,One year,1,29.85,100.00']);
    await page.goto(`${url}/accounts/step-1`);
    await page.getByRole('button', { name: /^Suspend account/ }).click();
    const form = page.getByTestId('command-suspend-account');
    await form.getByLabel('Reason').fill('Unpaid since September');
    await sleep(freshMs + 200);
    await form.getByRole('button', { name: 'Suspend account' }).click();
    await page.getByTestId('step-up').getByText('sign in once more', { exact: false }).waitFor();
    await page.waitForTimeout(400);
    await picture('step-up');

    const opened = page.context().waitForEvent('page');
    await page.getByTestId('step-up-sign-in').click();
    const tab = await opened;
    await tab.locator('button[name=user][value="admin@dev.test"]').click();
    await page.locator('[data-field=status]').getByText('suspended').waitFor();
    await page.getByTestId('step-up').waitFor({ state: 'hidden' });
  });

  test('a person who does not want to sign in once more keeps what they had filled in', async () => {
    await signIn(page, url, 'admin@dev.test');
    await openAccounts(page, url, ['step-2,DSL,One year,1,29.85,100.00']);
    await page.goto(`${url}/accounts/step-2`);
    await page.getByRole('button', { name: /^Suspend account/ }).click();
    const form = page.getByTestId('command-suspend-account');
    await form.getByLabel('Reason').fill('Unpaid');
    await sleep(freshMs + 200);
    await form.getByRole('button', { name: 'Suspend account' }).click();
    await page.getByRole('button', { name: 'Not now' }).click();
    await form.getByTestId('problem').getByText('Sign in again').waitFor();
    expect(await form.getByLabel('Reason').inputValue()).toBe('Unpaid');
  });

  test('a session that is ended from another browser leads to the sign-in page at once', async () => {
    const elsewhere = await (await browser.newContext()).newPage();
    const connected = new Promise<void>((resolve) =>
      elsewhere.on('websocket', (socket) =>
        socket.on('framereceived', ({ payload }) => String(payload).startsWith('40') && resolve()),
      ),
    );
    await signIn(elsewhere, url, 'support@dev.test', '/sessions');
    await connected;
    await signIn(page, url, 'support@dev.test');
    await page.getByTestId('my-sessions').click();
    await page.getByTestId('session-row').nth(1).waitFor();
    await picture('sessions');
    const other = page.getByTestId('session-row').filter({ hasNotText: 'this one' });
    expect(await other.count()).toBe(1);
    await other.getByTestId('end-session').click();
    await elsewhere.getByTestId('sign-in').waitFor();
    await elsewhere.context().close();
    await until(async () => (await page.getByTestId('session-row').count()) === 1);
  });

  const client = (id: string) =>
    oidc.discovery(new URL(`${url}/auth/oidc`), id, undefined, oidc.None(), {
      execute: [oidc.allowInsecureRequests],
    });
  /** Somebody signs in to a tool in a browser of their own; whether its token is good. */
  const toolOf = async (who: 'support' | 'billing') => {
    const { tokens } = await signInTool({ base: url, client }, { who, tool: 'desk' });
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    return async () => (await fetch(`${url}/internal/v1/me`, { headers })).status;
  };

  test('a person sees which tools act as them, in light, dark and on a phone, and ends one', async () => {
    const status = await toolOf('support');
    expect(await status()).toBe(200);
    await signIn(page, url, 'support@dev.test', '/sessions');
    const row = page.getByTestId('tool-grant-row').filter({ hasText: 'desk' });
    await row.getByText('with the session').waitFor();
    await picture('tools');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('tools-dark');
    await page.setViewportSize({ width: 390, height: 844 });
    await fitsInto(page, 390);
    await picture('tools-390');
    await row.getByRole('button', { name: 'End desk' }).click();
    await page.getByTestId('no-tools').waitFor();
    expect(await status()).toBe(401);
  });

  test('an admin sees which tools act as whom, and ends one', async () => {
    const status = await toolOf('billing');
    await signIn(page, url, 'admin@dev.test', '/sessions');
    await page.getByText('Everybody’s').click();
    const theirs = page.getByTestId('tool-grant-row').filter({ hasText: 'Bea Billing' });
    await theirs.waitFor();
    await picture('everybodys-tools');
    await theirs.getByTestId('end-tool-grant').click();
    await theirs.waitFor({ state: 'detached' });
    expect(await status()).toBe(401);
  });

  test('computed styles carry the nonce of their page, and no other style is let in', async () => {
    await signIn(page, url, 'support@dev.test', '/sessions');
    const answers = await Promise.all(
      [1, 2].map(() => page.request.get(`${url}/sessions`, { headers: { accept: 'text/html' } })),
    );
    const nonces = answers.map(
      (answer) => /'nonce-([^']+)'/.exec(answer.headers()['content-security-policy'] ?? '')?.[1],
    );
    expect(new Set(nonces).size).toBe(2);
    for (const [n, answer] of answers.entries())
      expect(await answer.text()).toContain(`nonce="${nonces[n]}"`);
    const policy = answers[0]?.headers()['content-security-policy'];
    expect(policy).not.toContain('unsafe-inline');
    const colour = await page.evaluate<string>(`(() => {
      const style = document.createElement('style');
      style.textContent = 'body { color: rgb(1, 2, 3) !important }';
      document.head.append(style);
      return getComputedStyle(document.body).color;
    })()`);
    expect(colour).not.toBe('rgb(1, 2, 3)');
    const told = (faults as string[]).splice(0);
    expect(told.length).toBeGreaterThan(0);
  });

  test('the page of the documentation has its style by its hash', async () => {
    await signIn(page, url, 'support@dev.test');
    await page.goto(`${url}/internal/docs`);
    const columns = await page.evaluate<string>('getComputedStyle(document.body).display');
    expect(columns).toBe('grid');
  });

  test('an admin sees everybody’s sessions and ends one', async () => {
    const elsewhere = await (await browser.newContext()).newPage();
    await signIn(elsewhere, url, 'billing@dev.test');
    await signIn(page, url, 'admin@dev.test', '/sessions');
    await page.getByText('Everybody’s').click();
    // The newest stands first; they may have others.
    const theirs = page.getByTestId('session-row').filter({ hasText: 'Bea Billing' }).first();
    await theirs.waitFor();
    await picture('everybodys-sessions');
    await theirs.getByTestId('end-session').click();
    await elsewhere.getByTestId('sign-in').waitFor();
    await elsewhere.context().close();
  });
});
