/** Looking first, running for real and taking back, as people do it in the console. */
import type { Browser, Page } from 'playwright-core';
import { chromium, describeWhere } from '../setup/needs.ts';
import { buildConsole, type ConsoleServer, startServer } from './console-server.ts';
import { faultsOf, launchBrowser, openAccounts, signIn } from './person.ts';

describeWhere(chromium, 'A dry run in the console', () => {
  let server: ConsoleServer;
  let browser: Browser;
  let page: Page;
  let faults: readonly string[];

  beforeAll(async () => {
    await buildConsole();
    server = await startServer();
    browser = await launchBrowser();
    page = await (await browser.newContext()).newPage();
    faults = faultsOf(page);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    expect(faults).toEqual([]);
  });

  const ended = () => page.locator('[data-testid=job-state][data-state="completed"]').waitFor();
  const counted = async (outcome: string) => Number(await page.getByTestId(`count-${outcome}`).textContent());
  const follow = async (button: string): Promise<void> => {
    const from = page.url();
    await page.getByTestId(button).click();
    await page.waitForURL((url) => url.href !== from);
    await ended();
  };
  const flag = (accountId: string) =>
    page.request.post(`${server.url}/internal/v1/commands/set-account-flag`, {
      headers: { origin: server.url },
      data: { accountId, flag: 'vip', value: true },
    });

  test('shows what would change, is run for real, and that is undone; what others touched is kept', async () => {
    await signIn(page, server.url, 'ops@dev.test');
    const rows = Array.from({ length: 12 }, (_, n) => `look-${n},DSL,One year,1,29.85,100.00`);
    await openAccounts(page, server.url, rows);
    await page.goto(`${server.url}/bulk-jobs/new?source=filter&accountId%5Bprefix%5D=look-`);
    await page.getByTestId('job-command').selectOption('change-plan');
    await page.getByLabel(/^Plan/).last().fill('Fibre');
    await page.getByTestId('job-dry-run').check({ force: true });
    await page.getByTestId('job-start').click();
    await ended();
    const first = page.getByTestId('preview-row').first();
    expect(await first.locator('del').textContent()).toBe('DSL');
    expect(await first.locator('ins').textContent()).toBe('Fibre');

    await flag('look-3');
    await page.getByTestId('job-run-for-real').click();
    await follow('job-run-for-real-really');
    expect([await counted('succeeded'), await counted('skipped')]).toEqual([11, 1]);
    await page.getByTestId('result-row').getByText('changed_since_preview').waitFor();
    const real = page.url();

    await flag('look-5');
    await page.getByTestId('job-undo').click();
    await page.getByLabel('Reason').fill('Wrong price list');
    await follow('job-undo-dry');
    expect([await counted('succeeded'), await counted('skipped')]).toEqual([10, 1]);

    await page.goto(real);
    await page.getByTestId('job-undo').click();
    await follow('job-undo-really');
    expect([await counted('succeeded'), await counted('skipped')]).toEqual([10, 1]);
    await page.getByTestId('result-row').getByText('changed_since', { exact: true }).waitFor();
    await page.goto(real);
    await page.getByText('undone by').waitFor();
    expect(await page.getByTestId('job-undo').count()).toBe(0);
  });

  test('says what cannot be undone, before it is done', async () => {
    const start = await page.request.post(`${server.url}/internal/v1/bulk-jobs`, {
      headers: { origin: server.url },
      data: { command: 'close-account', input: { reason: 'Gone' }, targets: ['look-0'], dryRun: true },
    });
    await page.goto(`${server.url}/bulk-jobs/${((await start.json()) as { id: string }).id}`);
    await ended();
    await page.getByTestId('irreversible').getByText('Closing is for good').waitFor();
  });
});
