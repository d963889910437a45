/** Signing in and out in a real browser: cookies, content security policies and self-submitting forms. */
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../browser/person.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { chromium, describeWhere } from '../setup/needs.ts';
import { dropKeys, type Keys, newKeys, type Served, samplePolicy, serve } from './serving.ts';

describeWhere(chromium, 'in Chromium', () => {
  let db: TestDatabase;
  let keys: Keys;
  let app: Served;
  let browser: Browser;

  beforeAll(async () => {
    db = await testDatabase();
    keys = await newKeys();
    app = await serve(db, keys);
    await app.access.applyPolicy(samplePolicy, 'p.yaml');
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await app.stop();
    await dropKeys(keys);
    await db.drop();
  });

  const refusedByPolicy = (page: Page): readonly string[] => {
    const found: string[] = [];
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) found.push(message.text());
    });
    return found;
  };

  const signIn = async (page: Page, path: string) => {
    await page.goto(`${app.url}/auth/saml/login?return_to=${encodeURIComponent(path)}`);
    await page.getByRole('button', { name: 'ops@dev.test' }).click();
    await page.waitForURL(`${app.url}${path}`);
  };

  test('a person signs in by one click and is who they are', async () => {
    const page = await (await browser.newContext()).newPage();
    const refused = refusedByPolicy(page);
    await signIn(page, '/livez');
    await page.goto(`${app.url}/internal/v1/me`);
    expect(JSON.parse((await page.locator('body').textContent()) ?? '').principal.email).toBe('ops@dev.test');
    expect(refused).toEqual([]);
    const cookie = (await page.context().cookies()).find(({ name }) => name === 'quarterdeck');
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
    await page.context().close();
  });

  test('without script the button takes one there', async () => {
    const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    await page.goto(`${app.url}/auth/saml/login?return_to=%2Finternal%2Fv1%2Fme`);
    await page.getByRole('button', { name: 'ops@dev.test' }).click();
    await page.getByRole('button', { name: 'Continue to Quarterdeck' }).click();
    await page.waitForURL(`${app.url}/internal/v1/me`);
    await page.context().close();
  });

  test('signing out at the provider ends the session here', async () => {
    const page = await (await browser.newContext()).newPage();
    const refused = refusedByPolicy(page);
    await signIn(page, '/internal/v1/me');
    await page.goto(app.sso.developmentUrl ?? '');
    await page.getByRole('button', { name: 'Sign out ops@dev.test' }).click();
    await page.getByText('has ended the sessions').waitFor();
    expect((await page.goto(`${app.url}/internal/v1/me`))?.status()).toBe(401);
    expect(refused).toEqual([]);
    await page.context().close();
  });

  test('a fault is a page for a person and a problem for a program', async () => {
    const page = await (await browser.newContext()).newPage();
    await db.owner.query('ALTER TABLE saml_requests RENAME TO saml_requests_gone');
    try {
      const answer = await page.goto(`${app.url}/auth/saml/login`);
      expect(answer?.status()).toBe(500);
      expect(await page.getByRole('heading').textContent()).toBe('Something went wrong here');
      expect(await page.content()).not.toContain('saml_requests');
      expect(app.faults.map(String).join()).toContain('saml_requests');
      const program = await fetch(`${app.url}/auth/saml/login`, { redirect: 'manual' });
      expect(program.headers.get('content-type')).toContain('application/problem+json');
    } finally {
      await db.owner.query('ALTER TABLE saml_requests_gone RENAME TO saml_requests');
      await page.context().close();
    }
  });
});
