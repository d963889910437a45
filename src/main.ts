#!/usr/bin/env node
/**
 * The command line. `quarterdeck` starts the service and drains on SIGTERM and SIGINT: it takes no more
 * requests, finishes what it accepted, and ends.
 */
import './heap.ts';
import { Command, Option } from 'commander';
import { type Config, ConfigError, type Role, readConfig } from './config.ts';
import { isQuarterdeckError } from './errors.ts';
import { onOrphaned } from './orphan.ts';
import { buildSnapshot, dropNamed, saySnapshots } from './snapshot-acts.ts';
import { exitCodeOf, VerifyError, type VerifyOptions, verifyGiven } from './verify-command.ts';
import { packageVersion } from './version.ts';

/** Opened when they are asked for: who verifies an export needs no server, and does not wait for one to be loaded. */
const acts = () => import('./acts.ts');
const archiveActs = () => import('./archive-acts.ts');

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const configFrom = (role?: Role): Config =>
  readConfig(role === undefined ? process.env : { ...process.env, QUARTERDECK_ROLE: role });

/** Nobody asks twice so fast. */
const sameSignalMs = 500;

const start = async ({ role }: { role?: Role }): Promise<void> => {
  const starting = import('./compose.ts').then(({ startService }) => startService(configFrom(role), say));
  let stopping = false;
  let stoppingSince = 0;
  const stop = (signal: string): void => {
    if (stopping) {
      // A terminal signals its whole group, and npm passes the signal on: one Ctrl-C may arrive twice.
      if (Date.now() - stoppingSince < sameSignalMs) return;
      say(`${signal} again: ending at once.`);
      process.exit(1);
    }
    stopping = true;
    stoppingSince = Date.now();
    say(`${signal}: finishing what was accepted. Send it again to end at once.`);
    starting
      .then((service) => service.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
  };
  // From the first moment on: whoever is told that it is ready may end it at once, and a PostgreSQL is running by then.
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', stop);
  if (process.env.npm_lifecycle_event !== undefined)
    onOrphaned(() => {
      if (!stopping) stop('npm has ended');
    });
  await starting;
};

/** A refused input in the words of each of its faults. */
const toldBy = (error: Error): string => {
  const faults = isQuarterdeckError(error) ? (error.errors ?? []) : [];
  return faults.length === 0
    ? error.message
    : faults.map(({ path, message }) => `${path} ${message}`).join('; ');
};

/** What the operator did is told in a sentence; anything else is a fault and shows where it arose. */
const fail = (error: unknown): never => {
  const told = error instanceof ConfigError || error instanceof VerifyError || isQuarterdeckError(error);
  const text =
    error instanceof Error ? (told ? toldBy(error) : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`Quarterdeck cannot go on: ${text}\n`);
  process.exit(error instanceof VerifyError ? 2 : 1);
};

const program = new Command('quarterdeck')
  .description("The internal API between a team's tools and its data.")
  .version(await packageVersion())
  .helpOption('-h, --help', 'show what there is');

program
  .command('start', { isDefault: true })
  .description('run the service: API, projector and workers, or one role of them')
  .addOption(
    new Option('--role <role>', 'what this process does').choices(['all', 'api', 'worker', 'projector']),
  )
  .action(start);

program
  .command('migrate')
  .description('bring the database to the schema of this version, as its owner')
  .action(async () => (await import('./database.ts')).migrateGiven(configFrom(), say));

const policy = program.command('policy').description('the access policy');

policy
  .command('check')
  .argument('[file]', 'a policy file; QUARTERDECK_ACCESS_POLICY by default')
  .description('say what is wrong with a policy file, or what putting it in force would change')
  .action(async (file: string | undefined) => (await acts()).checkPolicyFile(configFrom(), file, say));

policy
  .command('apply')
  .argument('[file]', 'a policy file; QUARTERDECK_ACCESS_POLICY by default')
  .description('put a policy file in force')
  .action(async (file: string | undefined) => (await acts()).applyPolicyFile(configFrom(), file, say));

program
  .command('tools')
  .description('tools that sign in with OpenID Connect')
  .command('rotate-key')
  .description('sign ID tokens with a new key, because the old one may be known to others')
  .action(async () => (await acts()).rotateToolKey(configFrom(), say));

program
  .command('keys')
  .description('keys of personal data')
  .command('rewrap')
  .description('wrap every key by the master key in use, after it was changed; others go on meanwhile')
  .action(async () => (await acts()).rewrapKeys(configFrom(), say));

program
  .command('adopt-environment')
  .option('--keep-outstanding', 'deliver from here what was outstanding when the copy was taken')
  .description('take over a restored copy: reactors, webhooks, effects and schedules stay off until then')
  .action(async ({ keepOutstanding = false }: { keepOutstanding?: boolean }) =>
    (await acts()).adoptEnvironment(configFrom(), keepOutstanding, say),
  );

program
  .command('rebuild')
  .argument('<projection>', 'its name, as in the path; or audit-index')
  .description('fill a projection anew beside the one in use, then switch')
  .action(async (projection: string) => (await acts()).rebuildProjection(configFrom(), projection, say));

program
  .command('replay')
  .description(
    'build every read model as of a moment, under a name; cut off, the same command goes on with it',
  )
  .requiredOption('--at <moment>', 'a time with its zone (2026-03-31T23:59:59Z) or a position of the log')
  .requiredOption('--into <name>', 'lower-case letters, digits and hyphens')
  .option('--keep-days <days>', 'after which it is dropped', '7')
  .action(async ({ at, into, keepDays }: { at: string; into: string; keepDays: string }) =>
    (await acts()).briefly(configFrom(), say, ({ engine: { snapshots: desk } }) =>
      buildSnapshot(desk, { at, into, keepDays: Number(keepDays) }, say),
    ),
  );

const snapshots = program
  .command('snapshots')
  .description('moments that are kept under a name')
  .action(async () =>
    (await acts()).briefly(configFrom(), say, ({ engine: { snapshots: desk } }) => saySnapshots(desk, say)),
  );

snapshots
  .command('drop')
  .argument('<name>', 'its name')
  .description('drop one with its tables')
  .action(async (name: string) =>
    (await acts()).briefly(configFrom(), say, ({ engine: { snapshots: desk } }) =>
      dropNamed(desk, name, say),
    ),
  );

program
  .command('bulk')
  .description('bulk jobs')
  .command('verify')
  .argument('<id>', 'the id of the job')
  .description('prove from the log alone that every item of a job was decided, and took effect, exactly once')
  .action(async (id: string) => {
    if (!(await (await acts()).verifyBulkJob(configFrom(), id, say))) process.exitCode = 1;
  });

const gather = (one: string, before: readonly string[]): readonly string[] => [...before, one];

program
  .command('verify')
  .argument('<source>', 'an export, a manifest, a receipt, a proof file, or the URL of a server')
  .requiredOption(
    '--key <vkey>',
    'the verifier key of the log, or a file with keys; may be repeated',
    gather,
    [],
  )
  .option('--earlier <file>', 'a checkpoint that was kept: the log must go on from it')
  .option('--events <file>', 'the CSV file that a manifest is of')
  .option('--token-file <file>', 'holds the bearer token for a URL')
  .addOption(new Option('--threads <n>', 'how many hash beside each other').argParser(Number))
  .description('say whether what the audit handed out is as the log signed it; needs no database')
  .action(async (source: string, options: VerifyOptions) => {
    process.exitCode = exitCodeOf(await verifyGiven(source, options, say));
  });

const log = program.command('log').description('the log itself');

log
  .command('archive')
  .requiredOption('--before <time>', 'partitions whose events are all older, such as 2026-01-01T00:00:00Z')
  .description('write old parts of the log to QUARTERDECK_LOG_ARCHIVE and prove them where they lie')
  .action(async ({ before }: { before: string }) =>
    (await archiveActs()).archiveLog(configFrom(), before, say),
  );

log
  .command('detach')
  .requiredOption('--before <time>', 'partitions whose events are all older and lie in the archive')
  .option('--drop', 'let go of what was detached, for good')
  .description('take old parts of the log out of the database, to be read from QUARTERDECK_LOG_ARCHIVE')
  .action(async ({ before, drop = false }: { before: string; drop?: boolean }) =>
    (await archiveActs()).detachLog(configFrom(), { before, drop }, say),
  );

log
  .command('attach')
  .requiredOption('--before <time>', 'partitions that were detached and not dropped')
  .description('put old parts of the log back into the database')
  .action(async ({ before }: { before: string }) =>
    (await archiveActs()).attachLog(configFrom(), before, say),
  );

log
  .command('check')
  .description('hash every event that is sealed anew and compare it with what was signed')
  .action(async () => {
    if (!(await (await acts()).checkLog(configFrom(), say))) process.exitCode = 1;
  });

log
  .command('accept-restore')
  .requiredOption('--reason <text>', 'why an older backup was restored; it stands in the log')
  .description('go on from an older backup that was restored on purpose, though more had been signed')
  .action(async ({ reason }: { reason: string }) => (await acts()).acceptRestore(configFrom(), reason, say));

/** The command that is the default takes no names, so that it would call this one too many arguments. */
const requireCommand = (first: string | undefined): void => {
  const names = program.commands.map((command) => command.name());
  if (first === undefined || first.startsWith('-') || [...names, 'help'].includes(first)) return;
  fail(
    new ConfigError(
      `there is no command "${first}". There are: ${names.join(', ')}. "quarterdeck --help" says what they do.`,
    ),
  );
};

requireCommand(process.argv[2]);
await program.parseAsync().catch(fail);
