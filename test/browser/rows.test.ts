/** Pages of invoices, credits, notes and access grants; what a job and a session say; narrow screens. */

import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { chromium, describeWhere } from '../setup/needs.ts';
import { until } from '../setup/until.ts';
import { buildConsole, type ConsoleServer, startServer } from './console-server.ts';
import { faultsOf, fitsInto, launchBrowser, openAccounts, signIn } from './person.ts';

describeWhere(chromium, 'The console', () => {
  let server: ConsoleServer;
  let browser: Browser;
  let page: Page;
  let faults: readonly string[];

  beforeAll(async () => {
    await buildConsole();
    server = await startServer();
    browser = await launchBrowser();
    page = await (await browser.newContext()).newPage();
    await signIn(page, server.url, 'admin@dev.test');
    await openAccounts(page, server.url, [
      'rows-1,DSL,Month-to-month,3,29.85,89.55',
      'rows-2,DSL,One year,3,29.85,89.55',
    ]);
    const about = { accountId: 'rows-1' };
    await command('raise-invoice', { ...about, invoiceId: 'inv-1', amount: '12.50', dueOn: '2026-05-01' });
    await command('raise-invoice', {
      accountId: 'rows-2',
      invoiceId: 'inv-2',
      amount: '8.00',
      dueOn: '2026-05-02',
    });
    await command('settle-invoice', { invoiceId: 'inv-2', amount: '8.00', paidOn: '2026-04-01' });
    await command('issue-credit', {
      ...about,
      creditId: 'cre-1',
      amount: '5.00',
      reason: 'Two days without line',
    });
    await command('add-note', { ...about, noteId: 'note-1', text: 'Called about the outage in March' });
    const until = '2027-01-01T00:00:00Z';
    await command('grant-support-access', {
      ...about,
      grantId: 'gra-1',
      grantee: 'Sam',
      until,
      reason: 'Case 7',
    });
    await page.context().close();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    faults = faultsOf(page);
  });
  afterEach(async () => {
    await page.context().close();
    expect(faults).toEqual([]);
  });

  const command = async (name: string, data: object): Promise<void> => {
    const answer = await page.request.post(`${server.url}/internal/v1/commands/${name}`, {
      headers: { origin: server.url },
      data,
    });
    expect([name, answer.status(), await answer.text()]).toEqual([name, 200, expect.any(String)]);
  };

  /** For whoever looks at the pages: QUARTERDECK_PICTURES names a folder. */
  const picture = async (name: string): Promise<void> => {
    const folder = process.env.QUARTERDECK_PICTURES;
    if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  };

  test.each([
    ['Invoices', 'invoices', ['inv-1', 'rows-1', 'open', '$12.50', '2026-05-01']],
    ['Credits', 'credits', ['cre-1', 'rows-1', '$5.00', 'Two days without line']],
    ['Notes', 'notes', ['note-1', 'rows-1', 'Called about the outage in March']],
    ['Access grants', 'access-grants', ['gra-1', 'rows-1', 'Sam', 'granted', 'Case 7']],
  ])('shows %s, and those of an account', async (title, path, told) => {
    await signIn(page, server.url, 'admin@dev.test');
    await page.getByRole('link', { name: title, exact: true }).click();
    const row = page.getByTestId('row').filter({ hasText: told[0] ?? '' });
    await row.waitFor();
    for (const text of told) await row.getByText(text).first().waitFor();
    expect(await page.getByTestId('live-status').count()).toBe(0);
    await picture(path);
    await page.getByLabel('Account', { exact: true }).fill('rows-2');
    await page.getByLabel('Account', { exact: true }).press('Enter');
    if (path === 'invoices') await page.getByTestId('row').filter({ hasText: 'inv-2' }).waitFor();
    else await page.getByText(' is like that').waitFor();
    expect(new URL(page.url()).searchParams.get('accountId')).toBe('rows-2');
    await page.getByRole('button', { name: 'Clear' }).click();
    await row.waitFor();
  });

  test('invoices are narrowed by status and sorted by any column', async () => {
    await signIn(page, server.url, 'billing@dev.test', '/invoices');
    await page.getByTestId('row').nth(1).waitFor();
    await page.getByTestId('filter-status').selectOption('paid');
    await page.getByText('1 invoice').waitFor();
    await page.getByTestId('filter-status').selectOption('');
    await page.getByRole('button', { name: 'Amount' }).click();
    await page.waitForURL(/sort=amount/);
    // The rows of before stay until those of the new order are there.
    await page
      .getByTestId('row')
      .first()
      .filter({ hasText: /^inv-2/ })
      .waitFor();
  });

  test('whoever may not read them is offered no page of theirs', async () => {
    await signIn(page, server.url, 'support@dev.test');
    await page.getByRole('link', { name: 'Notes', exact: true }).waitFor();
    expect(await page.getByRole('link', { name: 'Invoices', exact: true }).count()).toBe(0);
    await page.goto(`${server.url}/invoices`);
    await page.getByText('Not permitted').first().waitFor();
  });

  test('a bulk job says on what, why, and who asked for it by name', async () => {
    await signIn(page, server.url, 'ops@dev.test', '/accounts?contract=one-year');
    await page.getByTestId('start-job-here').click();
    await page.getByTestId('job-command').selectOption('suspend-account');
    await page.getByLabel('Reason').fill('Unpaid since March');
    await page.getByTestId('job-start').click();
    await page.locator('[data-testid=job-state][data-state="completed"]').waitFor();
    await page.getByTestId('job-asked').getByText('On contract one-year').waitFor();
    await page.getByTestId('job-asked').getByText('Unpaid since March').waitFor();
    const id = page.url().split('/').at(-1) ?? '';
    await page.context().clearCookies();
    await signIn(page, server.url, 'compliance@dev.test', `/bulk-jobs/${id}`);
    await page.getByText('Oona Operations').first().waitFor();
    await picture('bulk-job');
  });

  test('an account page follows what others do to the account', async () => {
    await signIn(page, server.url, 'admin@dev.test', '/accounts/rows-1');
    await page.getByTestId('live-status').filter({ visible: true }).getByText('Live').waitFor();
    await command('change-plan', { accountId: 'rows-1', plan: 'Fiber optic' });
    await page.locator('[data-field=plan]').getByText('Fiber optic').waitFor();
    await command('correct-account', { accountId: 'rows-1', name: 'Ada Lovelace' });
    await page.locator('[data-field=name]').getByText('Ada Lovelace').waitFor();
  });

  test('times are the reader’s own and say their zone, the log’s own text stands behind them', async () => {
    const seenIn = async (timezoneId: string) => {
      const context = await browser.newContext({ timezoneId });
      const reader = await context.newPage();
      await signIn(reader, server.url, 'compliance@dev.test', '/audit?order=oldest');
      const time = reader.getByTestId('audit-row').locator('time').first();
      const seen = {
        shown: String(await time.textContent()),
        title: String(await time.getAttribute('title')),
      };
      await context.close();
      return seen;
    };
    const [far, here] = [await seenIn('Asia/Kathmandu'), await seenIn('UTC')];
    expect(here.shown).toBe(`${here.title.slice(0, 19).replace('T', ' ')} UTC`);
    expect(far.title).toBe(here.title);
    expect(far.shown).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+05:45$/);
    // What is shown is the very moment of the title.
    const [day, time, zone] = far.shown.split(' ');
    expect(Date.parse(`${day}T${time}${zone}`)).toBe(Math.floor(Date.parse(far.title) / 1_000) * 1_000);
  });

  test('files of the audit page are said to prove nothing, beside the way to one that does', async () => {
    await signIn(page, server.url, 'compliance@dev.test', '/audit');
    await page.getByText('To read, not provable:').waitFor();
    const how = page.getByRole('link', { name: 'How to make a provable one' });
    const address = String(await how.getAttribute('href'));
    const docs = await page.request.get(`${server.url}${address.split('#')[0]}`);
    expect(await docs.text()).toContain(`id="${address.split('#')[1]}"`);
  });

  test('the audit log shows the newest first unless another order is chosen, and everything by one person', async () => {
    await signIn(page, server.url, 'compliance@dev.test', '/audit');
    const positions = async () =>
      (await page.getByTestId('audit-row').locator('td:first-child').allTextContents()).map((text) =>
        Number(text.replaceAll(',', '')),
      );
    await page.getByTestId('audit-row').filter({ hasText: 'NoteAdded' }).waitFor();
    const shown = await positions();
    expect(shown).toEqual(shown.toSorted((a, b) => b - a));
    await picture('audit-newest');
    await page
      .getByRole('combobox', { name: 'Order' })
      .or(page.getByLabel('Order', { exact: true }))
      .first()
      .click();
    await page.getByRole('option', { name: 'oldest first' }).click();
    await page.waitForURL(/order=oldest/);
    // The rows of before stay until the answer is there.
    await until(async () => {
      const oldest = await positions();
      return oldest.length > 1 && oldest.every((position, n) => n === 0 || position > (oldest[n - 1] ?? 0));
    });
    await page.getByTestId('audit-row').filter({ hasText: 'NoteAdded' }).locator('button').click();
    await page.getByTestId('event-details').getByText('Ada Admin').first().waitFor();
    await picture('event');
    await page.getByText('everything by them').click();
    await page.waitForURL(/actor=person/);
  });

  test('a session says by which browser and from where', async () => {
    await signIn(page, server.url, 'support@dev.test', '/sessions');
    const row = page.getByTestId('session-row').filter({ hasText: 'this one' });
    await row.getByText(/Chrome \d+ on Linux/).waitFor();
    await row.getByText('127.0.0.1').waitFor();
    await picture('sessions');
  });

  test('the page of the API tells errors in letters that one can read, and has an icon as the console has', async () => {
    await signIn(page, server.url, 'support@dev.test');
    await page.goto(`${server.url}/internal/docs`);
    const sizes = await page.evaluate<number[]>(
      `[...document.querySelectorAll('.errors code, .errors span, #problems td, #problems code')].map(
        (one) => Number.parseFloat(getComputedStyle(one).fontSize))`,
    );
    expect(sizes.length).toBeGreaterThan(50);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(13.5);
    await page.locator('.errors').first().scrollIntoViewIfNeeded();
    const folder = process.env.QUARTERDECK_PICTURES;
    if (folder !== undefined) await page.screenshot({ path: join(folder, 'docs.png') });
    for (const [path, type] of [
      ['favicon.ico', 'image/x-icon'],
      ['favicon.svg', 'image/svg+xml'],
    ]) {
      const answer = await page.request.get(`${server.url}/${path}`);
      expect([path, answer.status(), answer.headers()['content-type']]).toEqual([
        path,
        200,
        expect.stringMatching(
          type === 'image/x-icon' ? /^image\/(x-icon|vnd.microsoft.icon)/ : /^image\/svg/,
        ),
      ]);
    }
  });

  test('on a narrow screen each row is a card with its labels, and nothing is cut off', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await signIn(page, server.url, 'admin@dev.test', '/accounts');
    for (const path of [
      '/accounts',
      '/invoices',
      '/notes',
      '/access-grants',
      '/audit',
      '/bulk-jobs',
      '/sessions',
    ]) {
      await page.goto(server.url + path);
      await page.locator('td[data-label]').first().waitFor();
      await fitsInto(page, 390);
      const rights = await page
        .locator('td[data-label]')
        .evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().right));
      const cut = rights.filter((right) => right > 391).length;
      expect([path, cut]).toEqual([path, 0]);
      await picture(`narrow${path.replace('/', '-')}`);
    }
    await page.goto(`${server.url}/invoices`);
    await page.getByLabel('Sort by').selectOption({ label: 'Amount, upwards' });
    await page.waitForURL(/sort=amount/);
  });
});
