/** Signing in once more in the middle of something, and ending sessions, as people do it in Chromium. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { areas } from '../../src/domain/index.ts';
import { createPool, createQuarterdeck, type Quarterdeck } from '../../src/index.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { chromium, describeWhere } from '../setup/needs.ts';
import { buildConsole } from './console-server.ts';
import { faultsOf, launchBrowser, openAccounts, signIn } from './person.ts';

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
    const policy = readFileSync(new URL('../../access-policy.yaml', import.meta.url), 'utf8');
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
    await signIn(elsewhere, url, 'support@dev.test', '/sessions');
    await elsewhere.getByTestId('live-status').filter({ visible: true }).getByText('Live').waitFor();
    await signIn(page, url, 'support@dev.test');
    await page.getByTestId('my-sessions').click();
    await page.getByTestId('session-row').nth(1).waitFor();
    await picture('sessions');
    const other = page.getByTestId('session-row').filter({ hasNotText: 'this one' });
    expect(await other.count()).toBe(1);
    await other.getByTestId('end-session').click();
    await elsewhere.getByTestId('sign-in').waitFor();
    await elsewhere.context().close();
    expect(await page.getByTestId('session-row').count()).toBe(1);
  });

  test('an admin sees everybody’s sessions and ends one', async () => {
    const elsewhere = await (await browser.newContext()).newPage();
    await signIn(elsewhere, url, 'billing@dev.test');
    await signIn(page, url, 'admin@dev.test', '/sessions');
    await page.getByText('Everybody’s').click();
    const theirs = page.getByTestId('session-row').filter({ hasText: 'Bea Billing' });
    await theirs.waitFor();
    await picture('everybodys-sessions');
    await theirs.getByTestId('end-session').click();
    await elsewhere.getByTestId('sign-in').waitFor();
    await elsewhere.context().close();
  });
});
