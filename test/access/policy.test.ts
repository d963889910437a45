/** The access policy: what a file may say, what it grants, and how it comes into force. */
import fc from 'fast-check';
import { rolesOf, scopeOf } from '../../src/access/policy.ts';
import { PolicyFileError, parsePolicy } from '../../src/access/policy-file.ts';
import { permissions } from '../../src/access/principal.ts';
import { permissionsOfRoles } from '../../src/access/role-permissions.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';
import { dropKeys, type Keys, newKeys, samplePolicy, startPart } from './serving.ts';

const problems = (text: string): readonly string[] => {
  try {
    parsePolicy(text);
  } catch (error) {
    if (error instanceof PolicyFileError) return error.problems;
    throw error;
  }
  return [];
};

describe('a policy file', () => {
  test('gives roles to groups, permissions to roles and a scope to tools', () => {
    const policy = parsePolicy(samplePolicy);
    expect(rolesOf(policy, 'development', ['ops', 'nobody'])).toEqual(['ops', 'support']);
    expect(permissionsOfRoles(policy, ['ops', 'support'], {}, ['*']).grants).toEqual([
      'accounts:*',
      'accounts:read',
      'support:*',
    ]);
    expect(scopeOf(policy, 'narrow')).toEqual(['accounts:read']);
  });

  test('grants nothing to unknown providers, groups, roles and tools', () => {
    const policy = parsePolicy(samplePolicy);
    for (const name of ['unknown', 'toString', '__proto__', 'constructor', 'hasOwnProperty']) {
      expect(rolesOf(policy, name, ['ops'])).toEqual([]);
      expect(rolesOf(policy, 'development', [name])).toEqual([]);
      expect(permissionsOfRoles(policy, [name], {}, ['*']).grants).toEqual([]);
      expect(scopeOf(policy, name)).toEqual([]);
    }
  });

  test.each([
    [
      'an unknown role',
      'roles:\n  ops: { permissions: [] }\nproviders:\n  okta:\n    groups:\n      a: ops\n      b: opps\n',
      ['access-policy.yaml line 7: unknown role "opps" (roles: ops)'],
    ],
    [
      'an unknown entry',
      'roles:\n  ops:\n    permissions: []\n    permisions: []\n',
      ['access-policy.yaml line 4: unknown entry "permisions" in roles.ops'],
    ],
    [
      'a permission that is none',
      "roles:\n  ops:\n    permissions:\n      - accounts:read\n      - 'Accounts read'\n",
      ['access-policy.yaml line 5: roles.ops.permissions.1: ', 'area:action'],
    ],
    ['a missing part', 'tools: {}\n', ['access-policy.yaml line 1: roles: Invalid input']],
    [
      'a wrong type',
      'roles: { ops: { permissions: [] } }\ntools: 7\n',
      ['access-policy.yaml line 2: tools: Invalid input'],
    ],
    [
      'a name that is none',
      'roles:\n  ops: { permissions: [] }\n  Ops Team: { permissions: [] }\n',
      ['line 3: "Ops Team": a name is 1 to 64'],
    ],
    ['broken YAML', 'roles:\n  ops: { permissions: [\n', ['access-policy.yaml line 3: ']],
    [
      'the same key twice',
      'roles:\n  ops: { permissions: [] }\n  ops: { permissions: [] }\n',
      ['access-policy.yaml line 3: Map keys must be unique'],
    ],
    ['nothing', '', ['access-policy.yaml line 1: the policy: Invalid input']],
    ['a list', '- roles\n', ['access-policy.yaml line 1: the policy: Invalid input']],
  ])('with %s is refused with its line', (_what, text, [begins = '', contains = '']) => {
    const found = problems(text).join('\n');
    expect(found).toContain(begins);
    expect(found).toContain(contains);
  });

  test('tells of everything that is wrong with it at once', () => {
    const text = 'roles:\n  ops: { permissions: [UP] }\nproviders:\n  okta: { group: {} }\nextra: 1\n';
    expect(problems(text).map((problem) => /line (\d+)/.exec(problem)?.[1])).toEqual(['2', '4', '4', '5']);
  });

  test('cannot be blown up by aliases', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (let n = 1; n < 9; n++)
      lines.push(
        `a${n}: &a${n} [${Array(10)
          .fill(`*a${n === 1 ? '' : n - 1}`)
          .join(', ')}]`,
      );
    expect(problems(lines.join('\n'))).toEqual([expect.stringContaining('Excessive alias count')]);
  });
});

describe('wildcards', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/);
  const permission = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(':'));

  test('a grant covers exactly itself, what is below its star, or everything', () => {
    const grant = fc.oneof(
      permission,
      permission.map((p) => `${p}:*`),
      fc.constant('*'),
    );
    const means = (granted: string, asked: string): boolean =>
      granted === '*' ||
      granted === asked ||
      (granted.endsWith(':*') && asked.startsWith(granted.slice(0, -1)));
    fc.assert(
      fc.property(
        fc.array(grant, { maxLength: 4 }),
        fc.array(grant, { maxLength: 4 }),
        permission,
        (grants, scope, asked) => {
          const expected = grants.some((g) => means(g, asked)) && scope.some((s) => means(s, asked));
          expect(permissions(grants, scope).has(asked)).toBe(expected);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('no grants permit nothing', () => {
    fc.assert(fc.property(permission, (asked) => expect(permissions([]).has(asked)).toBe(false)));
  });

  test('accounts:* does not cover accountsx:read nor accounts', () => {
    const { has } = permissions(['accounts:*']);
    expect([has('accounts:read'), has('accountsx:read'), has('accounts')]).toEqual([true, false, false]);
  });
});

describe('the policy in force', () => {
  let db: TestDatabase;
  let keys: Keys;
  beforeEach(async () => {
    db = await testDatabase();
    keys = await newKeys();
  });
  afterEach(async () => {
    await dropKeys(keys);
    await db.drop();
  });

  test('is appended once with its diff, and not again while nothing changes', async () => {
    const part = await startPart(db, keys);
    try {
      expect(await part.access.applyPolicy(samplePolicy, 'p.yaml')).toBe(true);
      expect(await part.access.applyPolicy(samplePolicy, 'p.yaml')).toBe(false);
      const wider = samplePolicy.replace('[accounts:*]', "[accounts:*, 'bulk:*']");
      expect(await part.access.applyPolicy(wider, 'p.yaml')).toBe(true);
      const events = await part.log.readStreams(['$policy']);
      expect(events.map(({ type, version }) => [type, version])).toEqual([
        ['PolicyApplied', 1],
        ['PolicyApplied', 2],
      ]);
      expect(events[1]?.data.diff).toEqual([
        { op: 'add', path: '/roles/ops/permissions/-', value: 'bulk:*' },
      ]);
      expect(events[1]?.metadata.actor).toEqual({ id: 'system', kind: 'system' });
    } finally {
      await part.stop();
    }
  });

  test('is recorded once when many processes propose it at the same time', async () => {
    const parts = await Promise.all([startPart(db, keys), startPart(db, keys), startPart(db, keys)]);
    try {
      const said = await Promise.all(parts.map(({ access }) => access.applyPolicy(samplePolicy, 'p.yaml')));
      expect(said.filter(Boolean)).toHaveLength(1);
      expect(await parts[0]?.log.readStreams(['$policy'])).toHaveLength(1);
    } finally {
      await Promise.all(parts.map((part) => part.stop()));
    }
  });

  test('reaches other processes, and those that start later', async () => {
    const [one, two] = await Promise.all([startPart(db, keys), startPart(db, keys)]);
    try {
      await one.access.applyPolicy(samplePolicy, 'p.yaml');
      await until(() => two.access.policy.current().version === 1);
      const three = await startPart(db, keys);
      expect(three.access.policy.current()).toEqual(one.access.policy.current());
      await three.stop();
    } finally {
      await Promise.all([one.stop(), two.stop()]);
    }
  });

  describe('at a start', () => {
    const wider = samplePolicy.replace('[accounts:*]', "[accounts:*, 'bulk:*']");
    const propose = async (text: string): Promise<readonly string[]> => {
      const part = await startPart(db, keys);
      try {
        return await part.access.proposePolicy(text, 'p.yaml');
      } finally {
        await part.stop();
      }
    };
    const act = async (text: string): Promise<void> => {
      const part = await startPart(db, keys);
      await part.access.applyPolicy(text, 'other.yaml');
      await part.stop();
    };
    const inForce = async () => {
      const part = await startPart(db, keys);
      const { policy, version } = part.access.policy.current();
      await part.stop();
      return { version, isWider: policy.roles.ops?.permissions.includes('bulk:*') === true };
    };

    test('one that was applied since stays in force, as long as the file does not change', async () => {
      expect(await propose(samplePolicy)).toEqual([]);
      await act(wider);
      expect(await propose(`# A comment is no change.\n${samplePolicy}`)).toEqual([
        expect.stringMatching(
          /^The policy in force \(version 2\) was applied after p\.yaml had last been proposed/,
        ),
      ]);
      expect(await inForce()).toEqual({ version: 2, isWider: true });
      const changed = samplePolicy.replace('[accounts:*]', "[accounts:*, 'feed:read']");
      expect(await propose(changed)).toEqual([]);
      expect(await inForce()).toEqual({ version: 3, isWider: false });
      // A file that was changed back is another one than the last.
      expect(await propose(samplePolicy)).toEqual([]);
      expect((await inForce()).version).toBe(4);
    });

    test('also where the file said what was in force already when it was first proposed', async () => {
      await act(samplePolicy);
      await propose(samplePolicy);
      await act(wider);
      await propose(samplePolicy);
      expect((await inForce()).isWider).toBe(true);
    });

    test('the same again says nothing, and many at once record it once', async () => {
      await Promise.all([propose(samplePolicy), propose(samplePolicy), propose(samplePolicy)]);
      expect(await propose(samplePolicy)).toEqual([]);
      expect((await inForce()).version).toBe(1);
    });
  });

  test('denies everything before the first was applied', async () => {
    const part = await startPart(db, keys);
    try {
      expect(part.access.policy.current()).toEqual({
        version: 0,
        policy: { roles: {}, providers: {}, tools: {}, tokenIssuers: {} },
      });
    } finally {
      await part.stop();
    }
  });

  test('a proposal with a mistake changes nothing', async () => {
    const part = await startPart(db, keys);
    try {
      await part.access.applyPolicy(samplePolicy, 'p.yaml');
      await expect(part.access.applyPolicy('roles: 1', 'p.yaml')).rejects.toThrow('p.yaml line 1');
      expect(part.access.policy.current().version).toBe(1);
    } finally {
      await part.stop();
    }
  });
});
