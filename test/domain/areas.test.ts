/** Promises that hold over all areas: nothing is forgotten when an event, a command or a role is added. */
import { readFileSync } from 'node:fs';
import { type Policy, rolesOf, scopeOf } from '../../src/access/policy.ts';
import { parsePolicy } from '../../src/access/policy-file.ts';
import { permissionsOfRoles } from '../../src/access/role-permissions.ts';
import { createCatalogue, inputSchema } from '../../src/commands/catalogue.ts';
import { AccountClosed, AccountOpened } from '../../src/domain/accounts/events.ts';
import { areas } from '../../src/domain/index.ts';
import { accountStanding } from '../../src/domain/kernel/account-standing.ts';
import { createRegistry } from '../../src/events/registry.ts';
import { shapeOf } from '../../src/queries/columns.ts';
import { commands, events, projections } from './given.ts';

const streams = areas.flatMap((area) => area.streams);

/** Data with what `refs` and `subject` may look at. */
const ids = { accountId: '1', invoiceId: '2', creditId: '3', noteId: '4', grantId: '5' };

describe('the areas together', () => {
  test('define every event, command, stream and projection once', () => {
    expect(createRegistry(areas.flatMap((area) => area.events)).types).toHaveLength(16);
    expect(createCatalogue(areas.flatMap((area) => area.commands)).all).toHaveLength(16);
    expect(streams.map(({ prefix }) => prefix)).toEqual(['account', 'invoice', 'credit', 'note', 'grant']);
    expect([...projections.keys()]).toEqual(['accounts', 'invoices', 'credits', 'notes', 'access-grants']);
  });

  test.each([...events.values()].map((event) => [event.type, event] as const))(
    '%s names its own stream first and its account among what it is about',
    (_type, event) => {
      const refs = event.refs(ids as never);
      expect(refs).toContain('account-1');
      expect(streams.map(({ prefix }) => prefix)).toContain(refs[0]?.split('-')[0]);
      expect(Object.keys(event.schema.shape)).toContain('accountId');
    },
  );

  test('free text and people are personal in every event and every input, under the account’s key', () => {
    const about = ['name', 'ownerEmail', 'reason', 'text', 'grantee'];
    for (const event of events.values()) {
      const fields = Object.keys(event.schema.shape).filter((field) => about.includes(field));
      expect([event.type, [...event.personal].sort()]).toEqual([event.type, fields.sort()]);
      if (fields.length > 0) expect(event.subject?.(ids as never)).toBe('account-1');
    }
    for (const command of commands.values()) {
      const fields = Object.keys(command.input.shape).filter((field) => about.includes(field));
      expect([command.name, [...command.personal].sort()]).toEqual([command.name, fields.sort()]);
    }
  });

  test('a projection of a stream knows every event of it, so that a row’s version is the stream’s', () => {
    for (const { prefix, of } of streams) {
      const own = [...events.values()].filter((e) => e.refs(ids as never)[0]?.startsWith(`${prefix}-`));
      const readers = [...projections.values()].filter((p) => p.stream?.('1') === of('1'));
      expect(readers.length).toBeGreaterThan(0);
      for (const { name, events: known } of readers) {
        expect([name, [...known].sort()]).toEqual([name, own.map(({ type }) => type).sort()]);
      }
    }
  });

  test('every projection makes a table, and every filter of bulk work finds one', () => {
    const keys = [...projections.values()].map((p) => shapeOf(p).key.name);
    for (const { bulk, stream, id } of commands.values()) {
      expect(keys).toContain(bulk?.field);
      expect(stream.of(id(ids))).toBe(stream.of(ids[bulk?.field as keyof typeof ids]));
    }
  });

  test('a form can be made of every input', () => {
    for (const command of commands.values()) {
      const { properties = {} } = inputSchema(command) as { properties?: Record<string, { type?: string }> };
      for (const [field, { type }] of Object.entries(properties)) {
        expect([command.name, field, type]).toEqual([command.name, field, expect.any(String)]);
      }
    }
  });
});

describe('what other areas know of an account', () => {
  const money = { minor: 0, currency: 'EUR' };
  const opened = AccountOpened.of({
    accountId: '1',
    plan: 'DSL',
    contract: 'one-year',
    tenureMonths: 0,
    monthlyCharges: money,
    totalCharges: money,
    currency: 'EUR',
  });

  test('follows the events of the accounts area', () => {
    const { evolve, initialState } = accountStanding;
    expect(evolve(initialState, opened)).toEqual({ standing: 'open', currency: 'EUR' });
    const closed = AccountClosed.of({ accountId: '1', reason: 'x' });
    expect(evolve(evolve(initialState, opened), closed)).toEqual({ standing: 'closed', currency: 'EUR' });
  });
});

describe('the sample policy', () => {
  const policy: Policy = parsePolicy(
    readFileSync(new URL('../../access-policy.yaml', import.meta.url), 'utf8'),
  );
  const asked = [
    ...new Set([
      ...[...commands.values()].map((c) => c.permission),
      ...[...projections.values()].flatMap((p) => [
        p.permission,
        ...Object.values(p.fields).flatMap(({ internal }) => internal ?? []),
      ]),
      'billing:credit-large',
      'bulk:run',
      'bulk:read',
      'audit:read',
      'audit:replay',
      'audit:export',
      'compliance:erase',
      'compliance:hold',
      'compliance:read',
      'policy:apply',
    ]),
  ].sort();

  const may = (user: string): readonly string[] => {
    const roles = rolesOf(policy, 'development', [user]);
    const { has } = permissionsOfRoles(policy, roles, {}, scopeOf(policy, 'console'));
    return asked.filter(has);
  };

  const reading = ['accounts:read', 'billing:read', 'support:read'];

  test('lets support read accounts and work with notes and grants', () => {
    expect(may('support')).toEqual([
      'accounts:read',
      'support:grant',
      'support:note',
      'support:read',
      'support:revoke',
    ]);
  });

  test('lets billing read what support reads and do all of billing but large credits', () => {
    const billing = asked.filter((p) => p.startsWith('billing:') && p !== 'billing:credit-large');
    expect(may('billing')).toEqual(['accounts:read', ...billing, 'support:read']);
  });

  test('lets ops do everything with accounts, and bulk work', () => {
    expect(may('ops')).toEqual(asked.filter((p) => p.startsWith('accounts:') || p.startsWith('bulk:')));
  });

  test('lets the admin do everything but erase', () => {
    expect(may('admin')).toEqual(asked.filter((p) => !p.startsWith('compliance:')));
  });

  test('lets compliance read everything, and change nothing but what it alone may', () => {
    expect(may('compliance')).toEqual(
      [
        ...reading,
        'accounts:read-internal',
        'bulk:read',
        ...asked.filter((p) => /^(audit|compliance):/.test(p)),
      ].sort(),
    );
  });
});
