/** The exports of the console: asked for, seen to move, downloaded. */
import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { chromium, describeWhere } from '../setup/needs.ts';
import { buildConsole, type ConsoleServer, startServer } from './console-server.ts';
import { faultsOf, launchBrowser, openAccounts, signIn } from './person.ts';

const rows = Array.from({ length: 40 }, (_, n) => `export-${n},DSL,One year,3,29.85,89.55`);

describeWhere(chromium, 'Exports in the console', () => {
  let server: ConsoleServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let faults: readonly string[];

  beforeAll(async () => {
    await buildConsole();
    server = await startServer();
    browser = await launchBrowser();
    context = await browser.newContext({ viewport: { width: 1280, height: 860 }, acceptDownloads: true });
    page = await context.newPage();
    faults = faultsOf(page);
    await signIn(page, server.url, 'ops@dev.test');
    await openAccounts(page, server.url, rows);
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  const row = (text: string) => page.getByTestId('export-row').filter({ hasText: text });

  test('one is started with a label, completes while one looks, and is downloaded', async () => {
    await page.getByRole('link', { name: 'Exports' }).click();
    await page.getByTestId('export-label').fill('For the board');
    await page.getByTestId('export-format').selectOption('ndjson');
    await page.getByTestId('start-export').click();
    await row('For the board').locator('[data-state=completed]').waitFor();
    if (process.env.QUARTERDECK_SCREENSHOT !== undefined)
      await page.screenshot({ path: process.env.QUARTERDECK_SCREENSHOT });
    const downloading = page.waitForEvent('download');
    await row('For the board').getByTestId('download-export').click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^accounts-.*\.ndjson$/);
    const text = await readFile(await download.path(), 'utf8');
    const ids = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).accountId as string);
    expect(ids.filter((id) => id.startsWith('export-'))).toHaveLength(rows.length);
    expect(faults).toEqual([]);
  });

  test('the accounts of a filter are exported from where the filter is', async () => {
    await page.goto(`${server.url}/accounts?plan=DSL&status=closed`);
    await page.getByTestId('export-here').click();
    await row('CSV').locator('[data-state=completed]').waitFor();
    await row('CSV').getByText('0', { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  test('who may not export sees no such area', async () => {
    const other = await browser.newContext();
    const support = await other.newPage();
    await signIn(support, server.url, 'support@dev.test');
    await support.getByRole('link', { name: 'Accounts' }).waitFor();
    expect(await support.getByRole('link', { name: 'Exports' }).count()).toBe(0);
    expect(await support.getByTestId('export-here').count()).toBe(0);
    await other.close();
  });
});
