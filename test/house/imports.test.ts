/**
 * Who may import whom. The table is the architecture: an arrow that is not in it is a decision, to be
 * written down in docs/decisions before it is added here.
 */
import { membersIn, sources, textsIn } from './sources.ts';

/** Of an engine part: everybody may know who asks, and the codes of errors. */
const everybody = ['errors.ts', 'access/principal.ts', 'access/origin.ts'] as const;

/** What areas are written with. */
const definitions = [
  'area.ts',
  'errors.ts',
  'commands/definition.ts',
  'commands/stream.ts',
  'events/definition.ts',
  'events/envelope.ts',
  'events/field-notes.ts',
  'events/moment.ts',
  'events/personal.ts',
  'queries/definition.ts',
  'workers/reactors/definition.ts',
] as const;

/**
 * For every folder and file directly in `src`: the folders and files that it may import beside itself.
 * `db` (connections, transactions) is open to every part that keeps something: docs/decisions/0009.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'version.ts': [],
  'orphan.ts': [],
  'heap.ts': [],
  'config.ts': ['storage/location.ts'],
  'clock.ts': ['events/envelope.ts', 'events/event-id.ts'],
  'keys.ts': ['errors.ts', 'events/keys.ts'],
  storage: [],
  db: ['errors.ts'],
  events: ['errors.ts', 'db'],
  access: ['errors.ts', 'db', 'events'],
  commands: [...everybody, 'db', 'events'],
  queries: [...everybody, 'db', 'events'],
  workers: [...everybody, 'db', 'events', 'commands', 'storage'],
  audit: [...everybody, 'db', 'events', 'storage'],
  // An area of the engine's own, and a reactor for each endpoint.
  webhooks: [...everybody, 'db', 'events', 'commands', 'queries/definition.ts', 'workers'],
  // Another: erasing and holding. A tombstone of each erasure is kept in files.
  compliance: [
    ...everybody,
    'db',
    'events',
    'commands',
    'queries/definition.ts',
    'storage',
    'workers/polling.ts',
  ],
  // Of db only what a lost database looks like: it is answered 503.
  http: [
    'errors.ts',
    'access',
    'audit',
    'commands',
    'events',
    'queries',
    'workers',
    'webhooks',
    'db/sqlstate.ts',
  ],
  domain: definitions,

  // Composition, from the inside out: docs/decisions/0003.
  'area.ts': definitions,
  'environment.ts': ['access/origin.ts', 'access/principal.ts', 'db', 'events'],
  'policy-check.ts': ['errors.ts', 'access', 'commands', 'events/definition.ts', 'queries'],
  'reconciling.ts': [
    'access/principal.ts',
    'queries/definition.ts',
    'queries/request.ts',
    'workers/reconciliation',
  ],
  'fan-out.ts': [
    'area.ts',
    'audit',
    'commands/request.ts',
    'db',
    'environment.ts',
    'events',
    'queries/definition.ts',
    'queries/read-side.ts',
    'reconciling.ts',
    'webhooks/index.ts',
    'workers/effects',
    'workers/reactors',
    'workers/reconciliation',
  ],
  'requesters.ts': ['access', 'workers/index.ts'],
  'auditing.ts': ['access/principal.ts', 'audit', 'db', 'events', 'queries'],
  'engine-options.ts': ['area.ts', 'clock.ts', 'db', 'events', 'fan-out.ts', 'presence.ts', 'storage'],
  'snapshot-acts.ts': ['access/principal.ts', 'audit'],
  'presence.ts': ['access/origin.ts', 'access/principal.ts', 'events'],
  'keeping.ts': [
    'access',
    'area.ts',
    'audit/archive/archived-events.ts',
    'audit/index/audit-index.ts',
    'audit/transparency/tree.ts',
    'commands/lanes.ts',
    'compliance',
    'engine-events.ts',
    'engine-options.ts',
    'events',
    'keys.ts',
    'queries',
    'storage',
    'workers/effects/index.ts',
    'workers/exports/index.ts',
  ],
  'hearing.ts': ['db', 'events', 'queries', 'workers/exports/index.ts', 'workers/index.ts'],
  'engine-events.ts': [
    'access',
    'audit',
    'commands',
    'events',
    'fan-out.ts',
    'presence.ts',
    'queries',
    'workers/exports',
    'workers/index.ts',
  ],
  'engine.ts': [
    'access',
    'area.ts',
    'audit',
    'auditing.ts',
    'clock.ts',
    'commands',
    'compliance/index.ts',
    'db',
    'engine-options.ts',
    'environment.ts',
    'events',
    'fan-out.ts',
    'hearing.ts',
    'keeping.ts',
    'policy-check.ts',
    'presence.ts',
    'queries',
    'requesters.ts',
    'workers/exports',
    'workers/index.ts',
  ],
  'live-topics.ts': ['engine.ts', 'http', 'standing.ts'],
  'standing.ts': [
    'access/principal.ts',
    'db',
    'engine.ts',
    'environment.ts',
    'http/health.ts',
    'workers/index.ts',
  ],
  'quarterdeck.ts': [
    'access',
    'area.ts',
    'clock.ts',
    'db',
    'engine.ts',
    'engine-options.ts',
    'events/master-keys.ts',
    'fan-out.ts',
    'http',
    'keys.ts',
    'live-topics.ts',
    'standing.ts',
    'storage',
    'version.ts',
  ],
  'index.ts': [
    ...definitions,
    'workers/effects/definition.ts',
    'workers/reconciliation/definition.ts',
    'access/principal.ts',
    'db',
    'events',
    'quarterdeck.ts',
    'storage',
  ],
  'database.ts': ['config.ts', 'db'],
  'demo.ts': ['access/principal.ts', 'engine.ts'],
  'compose.ts': [
    'config.ts',
    'database.ts',
    'db',
    'demo.ts',
    'domain/index.ts',
    'engine-options.ts',
    'events/master-keys.ts',
    'events/archived.ts',
    'events/rewrapping.ts',
    'http',
    'keys.ts',
    'quarterdeck.ts',
    'standing.ts',
  ],
  'acts.ts': [
    'audit/transparency/log-fault.ts',
    'compose.ts',
    'config.ts',
    'database.ts',
    'db',
    'quarterdeck.ts',
    'snapshot-acts.ts',
    'workers/index.ts',
  ],
  'archive-acts.ts': ['acts.ts', 'audit/archive', 'config.ts', 'db', 'events/asked-moment.ts', 'storage'],
  // Of the audit alone: it runs where there is no database and no server.
  'verify-command.ts': ['audit/verify'],
  'main.ts': [
    'acts.ts',
    'archive-acts.ts',
    'compose.ts',
    'config.ts',
    'heap.ts',
    'database.ts',
    'errors.ts',
    'orphan.ts',
    'snapshot-acts.ts',
    'verify-command.ts',
    'version.ts',
  ],
};

/** Libraries that have one place. What is not listed may be used by the whole engine. */
const places: Readonly<Record<string, RegExp>> = {
  express: /^(http\/|quarterdeck\.ts)/,
  'socket.io': /^http\/live\//,
  bullmq: /^(workers\/queues|db\/migrate)\.ts/,
  ioredis: /^workers\/queues\.ts/,
  pg: /^(db|[a-z]+\/sql)\//,
  kysely: /^queries\/sql\//,
  'oidc-provider': /^access\/oidc\//,
  jose: /^access\/oidc\//,
  commander: /^main\.ts/,
  yazl: /^workers\/exports\/formats\//,
  standardwebhooks: /^webhooks\//,
  '@aws-sdk/client-s3': /^storage\/bucket\.ts/,
};

const partOf = (file: string): string => file.split('/', 1)[0] ?? file;

const covers = (allowed: string, target: string): boolean =>
  allowed === target || (!allowed.endsWith('.ts') && target.startsWith(`${allowed}/`));

const arrows = sources.flatMap(({ file, imports }) =>
  imports.flatMap(({ target }) => (target === undefined ? [] : [{ file, target }])),
);

const told = ({ file, target }: { file: string; target: string }): string => `${file} → ${target}`;

describe('Who may import whom', () => {
  test('every file belongs to a part that the table knows', () => {
    expect(sources.map(({ file }) => partOf(file)).filter((part) => mayImport[part] === undefined)).toEqual(
      [],
    );
  });

  test.each(Object.entries(mayImport))('%s imports only what it may', (part, allowed) => {
    const own = arrows.filter(({ file, target }) => partOf(file) === part && partOf(target) !== part);
    const forbidden = own.filter(({ target }) => !allowed.some((one) => covers(one, target)));
    expect(forbidden.map(told)).toEqual([]);
  });

  test('an area imports itself and the kernel, never another area', () => {
    const between = arrows.filter(({ file, target }) => {
      const [, area = '', rest] = file.split('/');
      const inArea = file.startsWith('domain/') && rest !== undefined;
      return inArea && target.startsWith('domain/') && !/^domain\/(kernel|index\.ts)/.test(target)
        ? !target.startsWith(`domain/${area}/`)
        : inArea && target === 'domain/index.ts';
    });
    expect(between.map(told)).toEqual([]);
  });

  test('the domain is pure: beside the engine’s definitions it knows zod and nothing else', () => {
    const packages = sources
      .filter(({ file }) => file.startsWith('domain/'))
      .flatMap(({ file, imports }) =>
        imports.filter(({ target }) => target === undefined).map(({ specifier }) => `${file} → ${specifier}`),
      );
    expect(packages.filter((one) => !one.endsWith(' → zod'))).toEqual([]);
  });

  test.each(Object.entries(places))('%s is known in one place', (name, place) => {
    const users = sources.filter(({ imports }) => imports.some(({ specifier }) => specifier === name));
    expect(users.length).toBeGreaterThan(0);
    expect(users.map(({ file }) => file).filter((file) => !place.test(file))).toEqual([]);
  });

  test('own files are imported by their path with its ending, packages by name', () => {
    const odd = sources.flatMap(({ file, imports }) =>
      imports
        .filter(({ target }) => target !== undefined && !sources.some((one) => one.file === target))
        .map(({ specifier }) => `${file} → ${specifier}`),
    );
    expect(odd).toEqual([]);
  });
});

const statement =
  /^\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\S+\s+(AS\s+\S+\s+)?SET\s|DELETE FROM\s|WITH\s+\S+.*\sAS\s*\(|CREATE\s|ALTER\s|DROP\s|TRUNCATE\s|LOCK TABLE|BEGIN\b|COMMIT\b|ROLLBACK\b|LISTEN\s|NOTIFY\s|SET LOCAL\s|DO\s+\$)/;

describe('What has one place', () => {
  test('SQL stands in db and in files under sql/', () => {
    const elsewhere = sources.filter(({ file }) => !/^db\/|\/sql\//.test(file));
    const found = elsewhere.flatMap((source) =>
      textsIn(source)
        .filter((text) => statement.test(text))
        .map((text) => `${source.file}: ${text.slice(0, 60)}`),
    );
    expect(found).toEqual([]);
    // The pattern does find SQL where it is.
    const db = sources.filter(({ file }) => /\/sql\//.test(file));
    expect(
      db.filter((source) => textsIn(source).some((text) => statement.test(text))).length,
    ).toBeGreaterThan(10);
  });

  test('the environment is read by the configuration', () => {
    const readers = sources.filter((source) => membersIn(source).includes('process.env'));
    // main.ts hands it to readConfig; the PostgreSQL that is started gets our PATH and nothing more.
    expect(readers.map(({ file }) => file).sort()).toEqual(['db/embedded/server.ts', 'main.ts']);
  });

  // events/event-id.ts makes the ids; clock.ts hands it out as one of the sources.
  test('time and ids are handed to what decides, appends, reads and proves', () => {
    const given = sources.filter(
      ({ file }) => /^(domain|commands|events|queries|audit)\//.test(file) && file !== 'events/event-id.ts',
    );
    const own = given.flatMap((source) => [
      ...membersIn(source)
        .filter((member) => member === 'Date.now')
        .map((member) => `${source.file}: ${member}`),
      ...source.nodes
        .filter(({ type, callee, arguments: args }) => {
          const isDate = type === 'NewExpression' && (callee as { value?: string }).value === 'Date';
          return isDate && Array.isArray(args) && args.length === 0;
        })
        .map(() => `${source.file}: new Date()`),
      ...source.nodes
        .filter(({ type, value }) => type === 'Identifier' && (value === 'randomUUID' || value === 'v7'))
        .map(({ value }) => `${source.file}: ${value}`),
    ]);
    expect(own).toEqual([]);
  });
});
