/** The console as people use it: in Chromium, against the real program. */

import type { Browser, Page } from 'playwright-core';
import { chromium, describeWhere } from '../setup/needs.ts';
import { until } from '../setup/until.ts';
import { buildConsole, type ConsoleServer, startServer } from './console-server.ts';
import { faultsOf, header, launchBrowser, openAccounts, signIn } from './person.ts';

describeWhere(chromium, 'The console', () => {
  let server: ConsoleServer;
  let browser: Browser;
  let page: Page;
  let faults: readonly string[];

  beforeAll(async () => {
    await buildConsole();
    server = await startServer();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage();
    faults = faultsOf(page);
  });
  afterEach(async () => {
    await page.context().close();
    expect(faults).toEqual([]);
  });

  const seen = (testId: string) => page.getByTestId(testId).filter({ visible: true });
  const jobEnded = (state: string) =>
    page.locator(`[data-testid=job-state][data-state="${state}"]`).waitFor();
  const counted = async (outcome: string) => Number(await page.getByTestId(`count-${outcome}`).textContent());

  test('a person signs in, lists accounts, suspends those of a filter, sees it live, and signs out', async () => {
    const frames = framesOf(page);
    await signIn(page, server.url, 'ops@dev.test');
    await openAccounts(page, server.url, [
      ...accounts('bulk', 120, 'Month-to-month'),
      ...accounts('kept', 30, 'One year'),
    ]);

    await page.goto(`${server.url}/accounts?accountId%5Bprefix%5D=bulk-`);
    await page.getByText('100 accounts shown, there are more').waitFor();
    await page.getByTestId('load-more').click();
    await page.getByText('120 accounts').waitFor();
    expect(await page.getByTestId('account-row').count()).toBe(120);
    await page.getByTestId('filter-contract').selectOption('one-year');
    await page.getByText('No account matches').waitFor();
    await page.getByTestId('filter-contract').selectOption('month-to-month');
    await page.getByTestId('account-row').first().waitFor();

    await page.getByTestId('start-job-here').click();
    await page.getByTestId('job-command').selectOption('suspend-account');
    await page.getByLabel('Reason').fill('Review of monthly contracts');
    // Nothing on this page changes by itself, and so it does not say so.
    expect(await page.getByTestId('live-status').count()).toBe(0);
    await page.getByTestId('job-start').click();
    await seen('live-status').getByText('Live').waitFor();
    await jobEnded('completed');
    expect([await counted('succeeded'), await counted('rejected'), await counted('failed')]).toEqual([
      120, 0, 0,
    ]);
    const id = page.url().split('/').at(-1) ?? '';
    expect(frames.some((frame) => frame.includes(id) && frame.includes('"seq"'))).toBe(true);

    await page.getByRole('link', { name: 'Accounts', exact: true }).click();
    await page.getByTestId('filter-status').selectOption('active');
    await page.getByText('30 accounts').waitFor();

    await seen('sign-out').click();
    await page.waitForURL(/signed-out/);
    await page.goto(server.url);
    await page.getByTestId('sign-in').waitFor();
    expect((await page.request.get(`${server.url}/internal/v1/me`)).status()).toBe(401);
  });

  test('a file is mapped and imported, and its wrong row is told with line and field', async () => {
    await signIn(page, server.url, 'ops@dev.test', '/bulk-jobs/new?source=file');
    const rows = [...accounts('file', 4, 'Two year'), 'file-blank,DSL,One year,0,20.00,'];
    const buffer = Buffer.from([header, ...rows].join('\r\n'));
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'customers.csv', mimeType: 'text/csv', buffer });
    await page.getByTestId('mapping').waitFor();
    expect(await page.getByTestId('map-accountId').inputValue()).toBe('customerID');
    expect(await page.getByTestId('map-tenureMonths').inputValue()).toBe('tenure');
    await page.getByTestId('job-label').fill('Import of five');
    await page.getByTestId('job-start').click();
    await jobEnded('completed');
    expect([await counted('succeeded'), await counted('rejected')]).toEqual([4, 1]);
    const [wrong] = await page.getByTestId('result-row').allTextContents();
    expect(wrong).toMatch(/^6file-blank/);
    expect(wrong).toContain('totalCharges');

    await page.getByText('All bulk jobs').click();
    await page.getByTestId('job-row').filter({ hasText: 'Import of five' }).waitFor();
  });

  test('a command on an account shows its effect at once, and the account can be seen as it was', async () => {
    await signIn(page, server.url, 'admin@dev.test');
    await openAccounts(page, server.url, accounts('one', 1, 'One year'));
    await page.goto(`${server.url}/accounts/one-0`);
    const before = new Date();
    const form = page.getByTestId('command-suspend-account');
    await page.getByRole('button', { name: /^Suspend account/ }).click();
    await form.getByLabel('Reason').fill('Unpaid since September');
    await form.getByRole('button', { name: 'Preview' }).click();
    await page.getByTestId('preview').getByText('suspended', { exact: true }).waitFor();
    await form.getByRole('button', { name: 'Suspend account' }).click();
    await page.locator('[data-field=status]').getByText('suspended').waitFor();

    await page.goto(`${server.url}/accounts/one-0?asOf=${encodeURIComponent(before.toISOString())}`);
    await page.getByTestId('as-of-notice').waitFor();
    await page.locator('[data-field=status]').getByText('active').waitFor();
  });

  test('compliance reads who changed an account and why, and is offered no command', async () => {
    await signIn(page, server.url, 'ops@dev.test');
    await openAccounts(page, server.url, accounts('told', 1, 'One year'));
    const changed = await page.request.post(`${server.url}/internal/v1/commands/suspend-account`, {
      headers: { origin: server.url },
      data: { accountId: 'told-0', reason: 'Asked for by phone' },
    });
    expect(changed.status()).toBe(200);
    await seen('sign-out').click();
    await page.waitForURL(/signed-out/);

    await signIn(page, server.url, 'compliance@dev.test', '/accounts/told-0');
    const latest = page.getByTestId('history-state').first();
    await latest.getByText('“Asked for by phone”').waitFor();
    expect(await latest.locator('del').allTextContents()).toContain('active');
    expect(await latest.locator('ins').allTextContents()).toContain('suspended');
    await page.getByText('None that you may run here').waitFor();
    await page.getByRole('link', { name: 'Audit', exact: true }).click();
    await page.getByTestId('audit-row').first().waitFor();

    await page.goto(`${server.url}/accounts/told-0`);
    await page.getByRole('link', { name: 'Everything about this account' }).click();
    await page.waitForURL(/about=account-told-0/);
    const found = page.getByTestId('audit-row');
    await found.getByText('AccountSuspended').waitFor();
    await page.getByLabel('Reason').fill('PHONE asked');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.waitForURL(/reason=PHONE/);
    // The rows of before stay until the answer is there.
    await until(async () => (await found.count()) === 1);
    await found.getByText('Asked for by phone').waitFor();
  });
});

const accounts = (prefix: string, count: number, contract: string): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i},DSL,${contract},${i},29.85,100.00`);

/** What comes over the page's sockets. */
const framesOf = (page: Page): readonly string[] => {
  const frames: string[] = [];
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => frames.push(String(payload))));
  return frames;
};
