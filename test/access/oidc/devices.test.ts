/** Tools of the command line: the device flow, from the tool's code to the person's yes or no. */
import * as oidc from 'openid-client';
import { Browser, formIn, type Step } from '../browser.ts';
import { followTo, type Installation, install, me, recorded } from './installation.ts';

let at: Installation;
beforeAll(async () => {
  at = await install();
});
afterAll(() => at.stop());

const begin = async () => {
  const config = await at.client('cli');
  return { config, asked: await oidc.initiateDeviceAuthorization(config, { scope: 'openid accounts:read' }) };
};

const signedIn = async (who: 'ops' | 'support' = 'ops'): Promise<Browser> => {
  const browser = new Browser(at.base);
  await browser.signIn(`${who}@dev.test`);
  return browser;
};

const submit = (browser: Browser, page: Step, fields: Record<string, string>) => {
  const form = formIn(page.text);
  for (const [name, value] of Object.entries(fields)) form.fields.set(name, value);
  return browser.go('POST', new URL(form.action, at.base).href, form.fields);
};

/** The page that asks whether this is it. */
const typed = async (browser: Browser, code: string) =>
  submit(browser, await browser.get('/auth/oidc/device'), { user_code: code });

const allow = async (browser: Browser, code: string): Promise<Step> => {
  const answer = await submit(browser, await typed(browser, code), { confirm: 'yes' });
  return answer.status === 303
    ? followTo(browser, new URL(answer.headers.get('location') ?? '', at.base).href, 'never')
    : answer;
};

/** Up to where signing in would go on, which is where the page for confirming leads. */
const confirmed = async (browser: Browser, code: string): Promise<string> => {
  const answer = await submit(browser, await typed(browser, code), { confirm: 'yes' });
  return new URL(answer.headers.get('location') ?? '', at.base).href;
};

/** As a neighbouring host can set them. */
const carryCookies = (from: Browser, to: Browser): void => {
  for (const pair of from.cookies().split('; ')) {
    const [name = '', value = ''] = pair.split('=');
    if (name.includes('tool-')) to.setCookie(name, value);
  }
};

const poll = ({ config, asked }: Awaited<ReturnType<typeof begin>>) =>
  oidc.pollDeviceAuthorizationGrant(config, { ...asked, interval: 0.1 });

describe('a device', () => {
  test('is let in by the person who types its code and says yes, and acts as them', async () => {
    const waiting = await begin();
    expect(waiting.asked.user_code).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
    const browser = await signedIn();
    const polled = poll(waiting);
    const done = await allow(browser, waiting.asked.user_code);
    expect([done.status, done.text.includes('The device is signed in')]).toEqual([200, true]);
    const tokens = await polled;
    expect((await me(at.base, tokens.access_token)).body).toMatchObject({
      principal: { email: 'ops@dev.test' },
      permissions: ['accounts:read'],
      tool: 'cli',
    });
    expect((await recorded(at, 'TokenIssued')).at(-1)?.data).toMatchObject({ grant: 'device_code' });
  });

  test('that this browser never asked for is no fault of ours', async () => {
    for (const path of ['/auth/oidc/device/none', '/auth/oidc/device/auth']) {
      const { status, text } = await new Browser(at.base).get(path);
      expect([path, status, text.includes('The tool cannot be signed in')]).toEqual([path, 400, true]);
    }
  });

  test('stays signed in when the person signs out, until its refresh token ends', async () => {
    const waiting = await begin();
    const browser = await signedIn();
    const polled = poll(waiting);
    await allow(browser, waiting.asked.user_code);
    const tokens = await polled;
    await browser.go('POST', '/auth/logout');
    const next = await oidc.refreshTokenGrant(waiting.config, tokens.refresh_token ?? '');
    expect((await me(at.base, next.access_token)).status).toBe(200);
    await oidc.tokenRevocation(waiting.config, next.refresh_token ?? '');
    expect((await me(at.base, next.access_token)).status).toBe(401);
  });

  test('asks on a page that says which tool, which code, from where, for what and as whom', async () => {
    const { asked } = await begin();
    const page = await typed(await signedIn(), asked.user_code);
    for (const told of [asked.user_code, 'The command line', 'accounts:read', '127.0.0.1', 'ops@dev.test']) {
      expect(page.text).toContain(told);
    }
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('script-src');
  });

  test('gets nothing where the person says no', async () => {
    const waiting = await begin();
    const browser = await signedIn();
    const page = await typed(browser, waiting.asked.user_code);
    const done = await submit(browser, page, { abort: 'yes', confirm: '' });
    expect(done.text).toContain('Nobody got anything');
    await expect(poll(waiting)).rejects.toMatchObject({ error: 'access_denied' });
  });
});

describe('a device that somebody confirmed', () => {
  test('is not given to another person to whose browser the confirmation was carried', async () => {
    const waiting = await begin();
    const attacker = await signedIn('support');
    const onward = await confirmed(attacker, waiting.asked.user_code);
    const victim = await signedIn('ops');
    carryCookies(attacker, victim);
    const done = await followTo(victim, onward, 'never');
    expect([done.status, done.text.includes('Somebody else confirmed this device')]).toEqual([403, true]);
    await expect(poll(waiting)).rejects.toMatchObject({ error: 'access_denied' });
  });

  test('is not given to whoever signs in next at the same browser', async () => {
    const waiting = await begin();
    const browser = await signedIn('support');
    const onward = await confirmed(browser, waiting.asked.user_code);
    await browser.go('POST', '/auth/logout');
    await browser.signIn('ops@dev.test');
    expect((await followTo(browser, onward, 'never')).status).toBe(403);
    await expect(poll(waiting)).rejects.toMatchObject({ error: 'access_denied' });
  });

  test('is given to them also where they sign in once more in between', async () => {
    const waiting = await begin();
    const polled = poll(waiting);
    const browser = await signedIn('ops');
    const onward = await confirmed(browser, waiting.asked.user_code);
    await browser.go('POST', '/auth/logout');
    await browser.signIn('ops@dev.test');
    expect((await followTo(browser, onward, 'never')).text).toContain('The device is signed in');
    expect((await polled).access_token).toMatch(/^qda_/);
  });
});

describe('the page for devices', () => {
  test('is for people who are signed in: others sign in first and come back with their code', async () => {
    const { asked } = await begin();
    const browser = new Browser(at.base);
    const path = `/auth/oidc/device?user_code=${asked.user_code}`;
    const first = await browser.get(path);
    expect(first.headers.get('location')).toBe(`/auth/saml/login?return_to=${encodeURIComponent(path)}`);
    const back = await browser.signIn('ops@dev.test', path);
    expect(back.headers.get('location')).toBe(path);
    const page = await browser.get(path);
    expect(formIn(page.text).fields.get('user_code')).toBe(asked.user_code);
  });

  test('never takes a code from a link alone, nor from another site’s page', async () => {
    const waiting = await begin();
    const browser = await signedIn();
    const page = await browser.get(`/auth/oidc/device?user_code=${waiting.asked.user_code}&confirm=yes`);
    expect(page.text).toContain('Type the code that your tool shows you');
    const { fields } = formIn(page.text);
    fields.set('confirm', 'yes');
    const foreign = await browser.go('POST', '/auth/oidc/device', fields, { origin: 'https://evil.test' });
    expect(foreign.status).toBe(403);
    fields.set('xsrf', '0'.repeat(48));
    const forged = await browser.go('POST', '/auth/oidc/device', fields);
    expect([forged.status, forged.text.includes('The device is signed in')]).toEqual([400, false]);
  });

  test('is at one address alone: other spellings of it lead past nothing', async () => {
    const { asked } = await begin();
    const spellings = [
      'Device',
      'DEVICE',
      'device/',
      'Device/',
      '%64evice',
      '/device',
      'Device/none',
      'AUTH',
      'token/',
    ];
    for (const spelling of spellings) {
      const path = `/auth/oidc/${spelling}?user_code=${asked.user_code}`;
      for (const method of ['GET', 'POST']) {
        const { status } = await new Browser(at.base).go(method, path);
        expect([method, path, status]).toEqual([method, path, 404]);
      }
    }
  });

  test('says so where a code is unknown or was used', async () => {
    const browser = await signedIn();
    const unknown = await typed(browser, 'BBBB-BBBB');
    expect([unknown.status, unknown.text.includes('No tool waits with this code')]).toEqual([400, true]);
    const waiting = await begin();
    const polled = poll(waiting);
    await allow(browser, waiting.asked.user_code);
    await polled;
    expect((await typed(browser, waiting.asked.user_code)).text).toMatch(/used already|No tool waits/);
  });
});

test('a device code is answered once', async () => {
  const waiting = await begin();
  const polled = poll(waiting);
  await allow(await signedIn(), waiting.asked.user_code);
  const tokens = await polled;
  await expect(poll(waiting)).rejects.toMatchObject({ error: 'invalid_grant' });
  expect((await me(at.base, tokens.access_token)).status).toBe(401);
});
