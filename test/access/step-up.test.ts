/** Proving once more who one is: what we ask of the provider, and what we make of its answer. */
import type { SigningKey } from '../../src/access/saml/signed-xml.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { Browser } from './browser.ts';
import { beginSignIn, newSigningKey, postAnswer, saying, sealed, writeMetadata } from './messages.ts';
import { dropKeys, type Keys, newKeys, type Served, serve } from './serving.ts';

let db: TestDatabase;
let keys: Keys;
let app: Served;
let key: SigningKey;

const policy = `
roles: { reader: { permissions: [accounts:read] } }
providers: { acme: { groups: { staff: reader } } }
tools: { console: { scope: ['*'] } }
`;

beforeAll(async () => {
  db = await testDatabase();
  keys = await newKeys();
  key = newSigningKey();
  const metadata = [await writeMetadata(keys.dataDir, key)];
  app = await serve(db, keys, { sso: { metadata, production: true } });
  await app.access.applyPolicy(policy, 'access-policy.yaml');
});
afterAll(async () => {
  await app.stop();
  await dropKeys(keys);
  await db.drop();
});

const provenAt = (time: Date): string =>
  `<saml:AuthnStatement AuthnInstant="${time.toISOString()}" SessionIndex="s1"><saml:AuthnContext/></saml:AuthnStatement>`;

beforeEach(() => {
  app.clock.now = new Date();
});

const hour = 60 * 60_000;

/** Signs in by an assertion that says when the person proved who they are. */
const answered = async (query: string, instant: Date) => {
  const begun = await beginSignIn(new Browser(app.url), app.url, `/auth/saml/login${query}`);
  const said = saying(begun.request, { authnStatement: provenAt(instant) });
  app.clock.now = new Date();
  const step = await postAnswer(begun, sealed(said, key));
  const token = /quarterdeck=([\w-]{43})/.exec(begun.browser.cookies())?.[1];
  return {
    begun,
    step,
    session: token === undefined ? undefined : await app.access.sessions.authenticate(token),
  };
};

test('a session knows when its person proved who they are, which may be long before it began', async () => {
  const instant = new Date(Date.now() - hour);
  const { begun, session } = await answered('', instant);
  expect(begun.authnRequest).not.toContain('ForceAuthn');
  expect(session?.authenticatedAt).toBe(instant.getTime());
});

test('signing in once more asks the provider with ForceAuthn, and its fresh answer counts', async () => {
  const instant = new Date();
  const { begun, session } = await answered('?force=true', instant);
  expect(begun.authnRequest).toContain('ForceAuthn="true"');
  expect(session?.authenticatedAt).toBe(instant.getTime());
});

test('a provider that passes over ForceAuthn signs nobody in, and that is on record', async () => {
  const { step, session } = await answered('?force=true', new Date(Date.now() - hour));
  expect([step.status, session]).toEqual([403, undefined]);
  expect((await app.recorded()).at(-1)).toMatchObject({ type: 'SignInRefused', data: { why: 'not-fresh' } });
});

test('a provider whose clock is ahead makes no sign-in fresher than it is', async () => {
  const { session } = await answered('', new Date(Date.now() + 20_000));
  expect(session?.authenticatedAt).toBeLessThanOrEqual(app.clock.now.getTime());
});
