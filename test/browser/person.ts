/** A person at a browser: signing in through the development identity provider, and waiting for a job. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { findChromium } from '../setup/needs.ts';
import { until } from '../setup/until.ts';

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: findChromium() ?? 'chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** Opens `path` as nobody, signs in, and is back at `path`. What the page breaks on goes to `faults`. */
export async function signIn(page: Page, url: string, user: string, path = '/accounts'): Promise<void> {
  // The test's own time limit is the only one.
  page.setDefaultTimeout(0);
  await page.goto(url + path);
  await page.getByTestId('sign-in').click();
  await page.locator(`button[name=user][value="${user}"]`).click();
  await page.getByTestId('who').getByText(user).waitFor();
}

/** Waits until nothing of the page is wider than `width` pixels: after a change of size, parts slide into place. */
export const fitsInto = (page: Page, width: number): Promise<void> =>
  until(async () => (await page.evaluate<number>('document.documentElement.scrollWidth')) <= width);

/** Errors of the page itself: exceptions, and whatever the content security policy refused. */
export function faultsOf(page: Page): readonly string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) faults.push(message.text());
  });
  return faults;
}

export const header = 'customerID,InternetService,Contract,tenure,MonthlyCharges,TotalCharges';

const map = {
  accountId: 'customerID',
  plan: 'InternetService',
  contract: 'Contract',
  tenureMonths: 'tenure',
  monthlyCharges: 'MonthlyCharges',
  totalCharges: 'TotalCharges',
};

/** Opens accounts through the API with the page's own session, and waits until they are there. */
export async function openAccounts(page: Page, url: string, rows: readonly string[]): Promise<void> {
  const query = new URLSearchParams({ command: 'open-account', map: JSON.stringify(map) });
  const accepted = await page.request.post(`${url}/internal/v1/bulk-jobs?${query}`, {
    headers: { 'content-type': 'text/csv', origin: url, 'idempotency-key': crypto.randomUUID() },
    data: [header, ...rows].join('\n'),
  });
  expect(accepted.status()).toBe(202);
  const { id } = await accepted.json();
  await until(async () => {
    const job = await (await page.request.get(`${url}/internal/v1/bulk-jobs/${id}`)).json();
    return job.state === 'completed';
  });
}
