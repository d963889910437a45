/** Rules of the policy on rows and limits: how they are written, what is told of a wrong one, what they mean. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { keepsLimits } from '../../src/access/policy/limits.ts';
import { parseRowRule, RowRuleError, whereOf } from '../../src/access/policy/row-rule.ts';
import { PolicyFileError, parsePolicy } from '../../src/access/policy-file.ts';
import type { Area } from '../../src/area.ts';
import { complianceAreaFor } from '../../src/compliance/index.ts';
import { areas } from '../../src/domain/index.ts';
import { permissionsAskedFor, policyCheckOf } from '../../src/policy-check.ts';
import { webhooksArea } from '../../src/webhooks/index.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';

const check = policyCheckOf(
  areas.flatMap(({ commands }) => commands),
  areas.flatMap(({ projections }) => projections),
);

const problems = (role: string): readonly string[] => {
  const text = `roles:\n  some:\n    permissions: [accounts:read]\n${role}\nproviders:\n  okta: { groups: {}, attributes: { regions: r } }\n`;
  try {
    parsePolicy(text, 'policy.yaml', check);
    return [];
  } catch (error) {
    if (error instanceof PolicyFileError) return error.problems;
    throw error;
  }
};
const rows = (rule: string) => problems(`    rows:\n      - ${JSON.stringify(rule)}`);

describe('a rule on rows', () => {
  test('is read as the conditions of a filter, with the values that the person has', () => {
    const rule = parseRowRule(
      'accounts where region in {principal.regions} and plan in [ A , "B, \\"and\\" C" ,D E] and status ne closed',
    );
    expect([rule.projection, whereOf(rule, { regions: ['EMEA', 'APAC'] })]).toEqual([
      'accounts',
      {
        region: { in: ['EMEA', 'APAC'] },
        plan: { in: ['A', 'B, "and" C', 'D E'] },
        status: { ne: 'closed' },
      },
    ]);
    expect(whereOf(rule, {})).toMatchObject({ region: { in: [] } });
    expect(whereOf(parseRowRule('a where toString in {principal.constructor}'), {})).toEqual({
      toString: { in: [] },
    });
  });

  test.each([
    'accounts',
    'accounts where',
    'accounts where region',
    'accounts where region eq',
    'accounts where region eq EMEA or region eq AMER',
    'accounts where region eq EMEA and',
    'accounts where region in {regions}',
    'accounts where region eq {principal.regions}',
    'accounts where region in [EMEA,]',
    'accounts where region in []',
    'accounts where region in [, EMEA]',
    'accounts where region in ["EMEA" "AMER"]',
    'accounts where region in [EMEA, "AMER]',
    'accounts where region eq A and region eq B',
    'accounts where region eq "EMEA',
  ])('"%s" is none', (text) => {
    expect(() => parseRowRule(text)).toThrow(RowRuleError);
  });

  test.each([
    ['account where region eq EMEA', 'there is no projection "account" (projections: accounts, invoices'],
    ['accounts where regoin eq EMEA', 'accounts.regoin: There is no field "regoin". Known are'],
    ['accounts where status eq gone', 'accounts.status.eq: Give one of active, suspended, closed.'],
    ['accounts where tenureMonths prefix 1', 'cannot be asked of tenureMonths'],
    [
      'accounts where region in {principal.region}',
      'no provider tells the attribute "region" (attributes: regions)',
    ],
  ])('"%s" is told with its line and what would be right', (rule, message) => {
    expect(rows(rule)).toEqual([expect.stringMatching(/^policy\.yaml line 5: roles\.some\.rows\.0: /)]);
    expect(rows(rule)[0]).toContain(message);
  });

  test('that is right is taken', () => {
    expect(rows('accounts where region in {principal.regions} and margin gte "-5.00"')).toEqual([]);
  });
});

describe('a limit', () => {
  test('on a command or a field that is none is told with its line', () => {
    expect(problems('    limits:\n      isue-credit: { amount: { lte: "1" } }')).toEqual([
      'policy.yaml line 5: roles.some.limits.isue-credit: there is no command "isue-credit"',
    ]);
    expect(problems('    limits:\n      issue-credit: { sum: { lte: "1" } }')[0]).toContain(
      'issue-credit has no field "sum" (fields: creditId, accountId, amount, reason)',
    );
    expect(problems('    limits:\n      issue-credit: { amount: { lte: 500 } }')[0]).toMatch(
      /line 5: .*amount.lte/,
    );
    expect(problems('    limits:\n      issue-credit: { amount: {} }')[0]).toContain(
      'give an operator and a value',
    );
  });

  test.each([
    [{ amount: { lte: '500.00' } }, { amount: '500' }, true],
    [{ amount: { lte: '500.00' } }, { amount: '500.000' }, true],
    [{ amount: { lte: '500.00' } }, { amount: '500.01' }, false],
    [{ amount: { lte: '500.00' } }, { amount: '1000' }, false],
    [{ amount: { lte: '500.00' } }, { amount: 499 }, true],
    [{ amount: { lte: '500.00' } }, {}, false],
    [{ amount: { gt: '1', lt: '3' } }, { amount: '2' }, true],
    [{ plan: { in: ['A', 'B'] } }, { plan: 'B' }, true],
    [{ plan: { in: ['A', 'B'] } }, { plan: 'C' }, false],
    [{ plan: { prefix: 'trial-' }, months: { lte: '3' } }, { plan: 'trial-x', months: 4 }, false],
    [{ value: { eq: true } }, { value: true }, true],
    [{ value: { ne: true } }, { value: true }, false],
    [{ toString: { eq: 'x' } }, {}, false],
  ])('%j on %j: %s', (limits, input, kept) => {
    expect(keepsLimits({ give: limits }, 'give', input)).toBe(kept);
    expect(keepsLimits({ give: limits }, 'take', input)).toBe(true);
  });
});

describe('quarterdeck policy check', () => {
  let db: TestDatabase;
  const folder = mkdtempSync(join(tmpdir(), 'quarterdeck-policy-'));
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.drop());

  const policy = (act: 'check' | 'apply', text: string) => {
    const file = join(folder, 'policy.yaml');
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'src/main.ts', 'policy', act, file],
      {
        encoding: 'utf8',
        env: {
          ...process.env,
          NODE_OPTIONS: '',
          DATABASE_URL: db.applicationUrl,
          QUARTERDECK_OWNER_DATABASE_URL: db.ownerUrl,
          QUARTERDECK_DATA_DIR: folder,
        },
      },
    );
    return { status, stdout: stdout.replaceAll(file, 'FILE'), stderr: stderr.replaceAll(file, 'FILE') };
  };

  test('says what applying a file would change and changes nothing; a wrong file stops it with its lines', () => {
    const sample = readFileSync('access-policy.yaml', 'utf8');
    expect(policy('apply', sample)).toMatchObject({ status: 0 });
    expect(policy('check', sample).stdout).toBe('FILE is valid and says what is in force already.\n');
    const other = sample
      .replace('lte: "100.00"', 'lte: "200.00"')
      .replace(/( {6}- webhooks:manage\n) {6}- reconciliations:\*\n/, '$1');
    const { roles } = parse(sample) as { roles: { ops: { permissions: readonly string[] } } };
    const changed = [
      'FILE is valid. Applying it would change:',
      `- roles.ops.permissions.${roles.ops.permissions.length - 1}`,
      '~ roles.regional-support.limits.issue-credit.amount.lte: "200.00"',
      '',
    ].join('\n');
    expect(policy('check', other).stdout).toBe(changed);
    expect(policy('check', other).stdout).toBe(changed);
    const wrong = policy('check', sample.replace('accounts where region', 'accounts where continent'));
    expect([wrong.status, wrong.stdout]).toEqual([1, '']);
    expect(wrong.stderr).toMatch(/FILE line \d+: roles\.regional-support\.rows\.0: accounts\.continent/);
    expect(wrong.stderr).not.toContain('    at ');
  });

  test('names the line of a permission that nothing asks for, and the nearest that there is', () => {
    const sample = readFileSync('access-policy.yaml', 'utf8');
    const lineOf = (text: string) => sample.slice(0, sample.indexOf(text)).split('\n').length;
    const misspelt = sample
      .replace('- accounts:suspend', '- accounts:suspnd')
      .replace('webhooks:manage', 'webhook:*');
    for (const act of ['check', 'apply'] as const) {
      const { status, stdout, stderr } = policy(act, misspelt);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain(
        `FILE line ${lineOf('- accounts:suspend')}: roles.regional-support.permissions.1: nothing asks for "accounts:suspnd"; the nearest is "accounts:suspend"`,
      );
      expect(stderr).toContain('nothing asks for "webhook:*"; the nearest is "webhooks:*"');
    }
  });
});

/** Of the engine and the reference domain. */
const all: readonly Area[] = [...areas, webhooksArea([], { plain: false }), complianceAreaFor(areas)];
const asked = permissionsAskedFor(
  all.flatMap(({ commands }) => commands),
  all.flatMap(({ projections }) => projections),
  all.flatMap(({ events }) => events),
);

test('every permission of the reviewed matrix is asked for by something', () => {
  const [, ...lines] = readFileSync('test/access/matrix/roles-by-permission.txt', 'utf8').trim().split('\n');
  const reviewed = lines.flatMap((line) => /^[a-z]+:\S+/.exec(line)?.[0] ?? []);
  expect(reviewed.filter((permission) => !asked.includes(permission))).toEqual([]);
  expect(reviewed.length).toBeGreaterThan(20);
});

test('whatever reads like a permission in the source is known as one', () => {
  const schemes = /^(node|data|urn|https?|rediss?|postgres(ql)?):/;
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const written = files.flatMap((file) =>
    [...readFileSync(join('src', file), 'utf8').matchAll(/'([a-z][a-z-]*:[a-z][a-z-]*)'/g)].map(
      ([, text = '']) => text,
    ),
  );
  const permissions = [...new Set(written)].filter((text) => !schemes.test(text));
  expect(permissions.filter((permission) => !asked.includes(permission))).toEqual([]);
  expect(permissions.length).toBeGreaterThan(20);
});
