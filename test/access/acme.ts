/**
 * An app that trusts a provider of our own making, called acme: a test signs with its key whatever it wants
 * to be sent, and learns what became of it and what the log says of it.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SigningKey } from '../../src/access/saml/signed-xml.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { Browser, type Step } from './browser.ts';
import {
  type BegunSignIn,
  beginSignIn,
  metadataOf,
  newSigningKey,
  type Published,
  postAnswer,
} from './messages.ts';
import { dropKeys, newKeys, type Served, type ServedOptions, serve } from './serving.ts';

type Begun = Pick<BegunSignIn, 'browser' | 'relayState'>;

export interface Acme {
  readonly db: TestDatabase;
  readonly app: Served;
  readonly key: SigningKey;
  /** Its metadata, for `SingleSignOnOptions`. */
  readonly file: string;
  publish(published: Published): Promise<void>;
  /** `rules`: more entries of the provider in the policy, in YAML's flow style. */
  applyRules(rules?: string): Promise<void>;
  begin(browser?: Browser): Promise<BegunSignIn>;
  /** As if a minute had gone by since the last, because only so many refusals of one are told apart. */
  post(begun: Begun, xml: string | Buffer): Promise<Step>;
  /** That it is refused with a page, begins no session, and is recorded with its reason. */
  expectRefused(begun: Begun, xml: string | Buffer, why: string): Promise<void>;
  /** That it is accepted; what `/me` says then. */
  expectSignedIn(begun: Begun, xml: string | Buffer): Promise<Record<string, unknown>>;
  /** A second process of the same installation, for the same browsers. */
  another(): Promise<Served>;
  close(): Promise<void>;
}

export const openAcme = async (sso: ServedOptions['sso'] = {}): Promise<Acme> => {
  const db = await testDatabase();
  const keys = await newKeys();
  const key = newSigningKey();
  const file = path.join(keys.dataDir, 'acme.xml');
  const publish = (published: Published) => writeFile(file, metadataOf(published));
  await publish({ keys: [key] });
  const options = { sso: { metadata: [file], production: true, ...sso } };
  const app = await serve(db, keys, options);

  const post = async (begun: Begun, xml: string | Buffer) => {
    await app.access.denials.flush(true);
    app.clock.now = new Date();
    return postAnswer(begun, xml);
  };

  const applyRules = async (rules = '') => {
    const policy = `
roles: { reader: { permissions: [accounts:read] } }
providers: { acme: { groups: { staff: reader }, ${rules} } }
tools: { console: { scope: ['*'] } }
`;
    await app.access.applyPolicy(policy, 'access-policy.yaml');
  };
  await applyRules();

  return {
    db,
    app,
    another: () => serve(db, keys, { ...options, publicUrl: app.url }),
    key,
    file,
    publish,
    applyRules,
    begin: (browser = new Browser(app.url)) => beginSignIn(browser, app.url),
    post,
    expectRefused: async (begun, xml, why) => {
      const before = (await app.recorded()).length;
      const answer = await post(begun, xml);
      const session = answer.headers.getSetCookie().filter((line) => /^(__Host-)?quarterdeck=/.test(line));
      expect([answer.status, session, answer.headers.get('location')]).toEqual([403, [], null]);
      expect(answer.text).toContain('<h1>You could not be signed in</h1>');
      const added = (await app.recorded()).slice(before);
      expect(added.map(({ type, data }) => [type, data.why])).toEqual([['SignInRefused', why]]);
    },
    expectSignedIn: async (begun, xml) => {
      const done = await post(begun, xml);
      expect([done.status, done.headers.get('location')]).toEqual([303, '/']);
      const me = await begun.browser.get('/internal/v1/me');
      expect(me.status).toBe(200);
      return JSON.parse(me.text) as Record<string, unknown>;
    },
    close: async () => {
      await app.stop();
      await dropKeys(keys);
      await db.drop();
    },
  };
};
