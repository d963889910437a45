/**
 * Fields of events: whoever may look at the log is shown internal and personal ones only as far as they may
 * read them in the rows, in whatever way the log is looked at; and that they were shown is on record.
 */
import { type Principal, permissions } from '../../src/access/principal.ts';
import { createFields } from '../../src/audit/fields.ts';
import { areas } from '../../src/domain/index.ts';
import type { EventData, EventDefinition } from '../../src/events/definition.ts';
import type { RecordedEvent } from '../../src/events/envelope.ts';
import { account, type Office, openOffice, person } from '../webhooks/office.ts';
import { drained } from './testbed.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
  const { run } = office;
  await run('open-account', account('a1', { name: 'Ada Lovelace', ownerEmail: 'ada@example.test' }));
  await run('set-account-flag', { accountId: 'a1', flag: 'fraud-watch', value: true });
  await run('record-account-cost', { accountId: 'a1', month: '2026-03', cost: '12.34' });
  await run('suspend-account', { accountId: 'a1', reason: 'Ada did not pay.' });
  await run('add-note', { noteId: 'n1', accountId: 'a1', text: 'Ada called.' });
});
afterAll(() => office.close());

const looking = ['audit:read', 'audit:replay', 'audit:export', 'feed:read'];
const bare = person(looking);
const reader = person([...looking, 'accounts:read']);
const insider = person([...looking, 'accounts:read', 'accounts:read-internal']);
const compliance = person(['audit:*', 'feed:read', 'feed:personal', 'accounts:read-internal']);

const search = async (principal: Principal, filter: object = {}) =>
  (await office.engine.audit.search({ principal, filter, limit: 1_000 })).data;
const exported = async (principal: Principal, filter: object = {}) =>
  drained((await office.engine.audit.exportEvents({ principal, filter, format: 'ndjson' })).events);
const replay = async (principal: Principal, stream = 'account-a1') =>
  (await office.engine.audit.replay({ principal, stream })).states;
const feed = async (principal: Principal) => {
  const { signal } = new AbortController();
  return (await office.engine.feed.read({ principal, after: 0, limit: 1_000, wait: 0, signal })).events;
};

const internal = /fraud-watch|2026-03"|1234/;
const personal = /Ada|ada@/;
/** The command's reason, which all of them were given, and which goes with what is personal. */
const reason = /Asked for/;

describe('whoever may look at the log but not into the rows', () => {
  test.each([
    ['a search', search],
    ['an export', exported],
    ['a replay', replay],
    ['the feed', feed],
  ])('is shown neither internal nor personal fields by %s', async (_way, look) => {
    const text = JSON.stringify(await look(bare));
    expect(text).toContain('AccountSuspended');
    expect(text).not.toMatch(internal);
    expect(text).not.toMatch(personal);
    expect(text).not.toMatch(reason);
  });

  test('no cursor tells that a reason which may not be read holds a word', async () => {
    const find = (principal: Principal) =>
      office.engine.audit.search({ principal, filter: { reason: 'asked' }, limit: 1 });
    expect(await find(bare)).toMatchObject({ data: [], nextCursor: null });
    const first = await find(compliance);
    expect([first.data.length, first.nextCursor]).toEqual([1, expect.any(String)]);
    // Of the rows whose reasons one may read there are pages as ever.
    expect((await find(reader)).data.map(({ type }) => type)).toEqual(['AccountOpened']);
  });

  test('left out is absent, and the rest is there', async () => {
    const [flagged] = await search(bare, { type: 'AccountFlagSet' });
    expect(flagged?.data).toEqual({ accountId: 'a1' });
    expect(flagged?.metadata).toMatchObject({ actor: { id: 'person:ann' }, command: 'set-account-flag' });
    const states = await replay(bare);
    expect(states.at(-1)).toMatchObject({ after: { status: 'suspended', plan: 'DSL' }, reason: null });
    for (const name of ['flags', 'costs', 'name', 'ownerEmail', 'reason'])
      expect(states.at(-1)?.after).not.toHaveProperty(name);
  });

  test('reads of the area alone show what is personal there, and nowhere else', async () => {
    const text = JSON.stringify(await search(reader));
    expect(text).toMatch(/Ada Lovelace/);
    expect(text).toMatch(/Ada did not pay/);
    expect(text).not.toMatch(/Ada called/);
    expect(text).not.toMatch(internal);
    expect(JSON.stringify(await replay(reader))).toMatch(/Ada Lovelace/);
    expect(JSON.stringify(await replay(reader, 'note-n1'))).not.toMatch(/Ada called/);
  });

  test.each([
    ['a search', search],
    ['an export', exported],
    ['a replay', replay],
    ['the feed', feed],
  ])('the field’s own permission shows it in %s', async (_way, look) => {
    const text = JSON.stringify(await look(insider));
    expect(text).toMatch(/fraud-watch/);
    expect(text).toMatch(/1234/);
  });

  test.each([
    ['a search', search],
    ['an export', exported],
    ['the feed', feed],
  ])('compliance is shown all of it by %s', async (_way, look) => {
    const text = JSON.stringify(await look(compliance));
    expect(text).toMatch(/Ada called/);
    expect(text).toMatch(/fraud-watch/);
  });
});

test('a permission that reaches some rows shows the fields of those', async () => {
  await office.run('open-account', account('emea', { region: 'EMEA', name: 'Grace' }));
  await office.run('open-account', account('amer', { region: 'AMER', name: 'Joan' }));
  const whole = permissions([...looking, 'accounts:read']);
  const emea = [[{ projection: 'accounts', anyOf: [{ region: 'EMEA' }] }]];
  const rows = (permission: string) => (permission === 'accounts:read' ? emea : whole.rows(permission));
  const principal = { ...reader, permissions: { ...whole, rows } };
  const text = JSON.stringify(await search(principal, { type: 'AccountOpened' }));
  expect(text).toMatch(/account-amer/);
  expect(text).toMatch(/Grace/);
  expect(text).not.toMatch(/Joan/);
});

describe('on record', () => {
  const recorded = async ({ engine }: Office, type: string) => {
    const { events } = await engine.log.read({ after: 0, limit: 1_000 });
    return events.filter((event) => event.type === type);
  };
  const newest = async (type: string) => (await recorded(office, type)).at(-1)?.data;

  test('are searches and feeds that showed personal fields: one a reader and minute, also of one that stops', async () => {
    const other = await openOffice();
    const { audit, feed: events, stop } = other.engine;
    await other.run('open-account', account('a1', { name: 'Ada Lovelace' }));
    await other.run('suspend-account', { accountId: 'a1', reason: 'Ada did not pay.' });
    const watched = { ...reader, id: 'person:watched' };
    await audit.search({ principal: watched, filter: { type: 'AccountOpened' } });
    await audit.search({ principal: watched, filter: { type: 'AccountSuspended' } });
    await audit.search({ principal: { ...bare, id: 'person:bare' }, filter: {} });
    const fed = { ...compliance, id: 'person:fed' };
    const { signal } = new AbortController();
    await events.read({ principal: fed, after: 0, limit: 100, wait: 0, signal });
    await stop();
    const found = await recorded(other, 'EventFieldsRead');
    expect(found.map(({ data, metadata }) => [metadata.actor.id, data]).sort()).toEqual([
      [
        'person:fed',
        {
          through: 'feed',
          fields: ['AccountOpened.name', 'metadata.reason', 'AccountSuspended.reason'],
          count: 1,
          streams: ['account-a1'],
        },
      ],
      [
        'person:watched',
        {
          through: 'search',
          fields: ['AccountOpened.name', 'metadata.reason', 'AccountSuspended.reason'],
          count: 1,
          streams: ['account-a1'],
        },
      ],
    ]);
    await other.close();
  });

  test('an export and a replay say it in their own record', async () => {
    await exported(reader);
    expect(await newest('EventsExported')).toMatchObject({ personal: true });
    await exported(reader, { type: 'NoteAdded' });
    expect(await newest('EventsExported')).not.toHaveProperty('personal');
    await exported(bare);
    expect(await newest('EventsExported')).not.toHaveProperty('personal');
    await replay(reader);
    expect(await newest('StreamReplayed')).toMatchObject({ personal: true });
    await replay(bare);
    expect(await newest('StreamReplayed')).not.toHaveProperty('personal');
  });
});

describe('closed where nothing was said', () => {
  const event = (type: string, data: EventData): RecordedEvent => ({
    position: 1,
    id: '0193',
    stream: 'thing-1',
    version: 1,
    type,
    schemaVersion: 1,
    recordedAt: '2026-03-03T10:00:00.000000Z',
    data,
    metadata: {
      actor: { id: 'person:x', kind: 'person' },
      tool: 'console',
      commandId: '1',
      correlationId: '1',
      decidedAt: '2026-03-03T10:00:00.000000Z',
      reason: 'because',
    },
  });
  const { of } = createFields({
    streamsReached: async (streams) => new Set(streams),
    refsOf: () => [],
    notesOf: (type) => (type === 'Noted' ? { personal: ['text'] } : undefined),
    everything: 'audit:all-fields',
  });
  const shownTo = async (grants: readonly string[], type: string, data: EventData) => {
    const { permissions: held } = person(grants);
    const asking = { principal: person(grants), rows: held.rows('audit:read') };
    const [one] = await of([event(type, data)], asking);
    return [one?.event.data, one?.event.metadata.reason];
  };

  test('personal fields without a permission, and all of a type that nobody defines', async () => {
    const nearly = ['audit:read', 'things:*', 'accounts:*'];
    expect(await shownTo(nearly, 'Noted', { id: 1, text: 'x' })).toEqual([{ id: 1 }, undefined]);
    expect(await shownTo(nearly, 'Gone', { id: 1 })).toEqual([{}, undefined]);
    expect(await shownTo(['audit:*'], 'Noted', { id: 1, text: 'x' })).toEqual([
      { id: 1, text: 'x' },
      'because',
    ]);
    expect(await shownTo(['audit:*'], 'Gone', { id: 1 })).toEqual([{ id: 1 }, 'because']);
  });
});

describe('every area', () => {
  const events = areas.flatMap((area) => area.events);
  const withPersonal = events.filter((definition) => definition.personal.length > 0);

  test('says who may read the personal fields of its events', () => {
    expect(withPersonal.filter(({ permission }) => permission === undefined)).toEqual([]);
  });

  test.each(areas.flatMap(({ streams }) => streams).map((stream) => [stream.prefix, stream] as const))(
    'states of %s hold nothing personal or internal that their notes do not name',
    (_prefix, { initialState, evolve, notes }) => {
      const hidden = new Set([...(notes?.personal ?? []), ...Object.keys(notes?.internal ?? {})]);
      let state = initialState;
      const states = histories.map((one) => {
        state = evolve(state, one);
        return state;
      });
      const shown = states.map((state) =>
        Object.fromEntries(Object.entries(state).filter(([name]) => !hidden.has(name))),
      );
      expect(JSON.stringify(shown)).not.toMatch(/SECRET|777/);
    },
  );

  const definition = (type: string): EventDefinition => {
    const found = events.find((one) => one.type === type);
    if (found === undefined) throw new Error(`no event ${type}`);
    return found;
  };
  /** Marked wherever a field is personal or internal. */
  const marked = (type: string, data: EventData) => {
    const { personal: sealed, internal: kept } = definition(type);
    for (const name of [...sealed, ...Object.keys(kept)])
      expect([type, name, JSON.stringify(data[name])]).toEqual([
        type,
        name,
        expect.stringMatching(/SECRET|777|true/),
      ]);
    return { type, data };
  };
  const money = (minor: number) => ({ minor, currency: 'USD' });
  const histories = [
    marked('AccountOpened', {
      accountId: 'a',
      name: 'SECRET',
      ownerEmail: 'SECRET',
      plan: 'p',
      contract: 'one-year',
      tenureMonths: 1,
      monthlyCharges: money(1),
      totalCharges: money(1),
      currency: 'USD',
    }),
    marked('AccountCorrected', { accountId: 'a', name: 'SECRET 2', ownerEmail: 'SECRET 2' }),
    marked('AccountFlagSet', { accountId: 'a', flag: 'SECRET', value: true }),
    marked('AccountCostRecorded', { accountId: 'a', month: 'SECRET', cost: money(777) }),
    marked('AccountSuspended', { accountId: 'a', reason: 'SECRET' }),
    marked('AccountReactivated', { accountId: 'a' }),
    marked('InvoiceRaised', { invoiceId: 'i', accountId: 'a', amount: money(5), dueOn: '2026-01-01' }),
    marked('InvoiceSettled', { invoiceId: 'i', accountId: 'a', amount: money(5), paidOn: '2026-01-01' }),
    marked('InvoiceRefunded', { invoiceId: 'i', accountId: 'a', amount: money(5), reason: 'SECRET' }),
    marked('InvoiceVoided', { invoiceId: 'i', accountId: 'a', reason: 'SECRET' }),
    marked('CreditIssued', { creditId: 'c', accountId: 'a', amount: money(5), reason: 'SECRET' }),
    marked('NoteAdded', { noteId: 'n', accountId: 'a', text: 'SECRET' }),
    marked('SupportAccessGranted', {
      grantId: 'g',
      accountId: 'a',
      grantee: 'SECRET',
      until: '2026-01-01T00:00:00Z',
      reason: 'SECRET',
    }),
    marked('SupportAccessRevoked', { grantId: 'g', accountId: 'a', reason: 'SECRET' }),
    marked('AccountClosed', { accountId: 'a', reason: 'SECRET' }),
  ];
});
