/** Acts of the command line beside serving: each opens the engine, does one thing, tells of it, and ends. */
import { LogFault } from './audit/transparency/log-fault.ts';
import { openQuarterdeck, policyText } from './compose.ts';
import type { Config } from './config.ts';
import { type Database, openDatabaseBriefly } from './database.ts';
import { createPool } from './db/pool.ts';
import type { Quarterdeck } from './quarterdeck.ts';
import { toldOf } from './workers/index.ts';

type Say = (line: string) => void;

/** Opens the engine without serving, for one act of the command line. */
export const briefly = async (
  config: Config,
  say: Say,
  act: (quarterdeck: Quarterdeck, database: Database) => Promise<void>,
): Promise<void> => {
  const database = await openDatabaseBriefly(config, say);
  const pool = createPool({ url: database.url, max: 4, onError: () => undefined });
  try {
    const quarterdeck = await openQuarterdeck(
      { ...config, role: 'api' },
      { pool, database, publicUrl: config.publicUrl ?? 'http://127.0.0.1' },
    );
    await act(quarterdeck, database).finally(() => quarterdeck.stop());
  } finally {
    await pool.end();
    await database.stop();
  }
};

export const applyPolicyFile = (config: Config, file: string | undefined, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine }) => {
    const name = file ?? config.accessPolicy;
    const text = await policyText({ ...config, accessPolicy: name });
    // What `policy check` would not accept is not applied by hand either.
    await engine.access.previewPolicy(text, name);
    const changed = await engine.access.applyPolicy(text, name);
    say(changed ? `The policy of ${name} is in force.` : `The policy of ${name} was in force already.`);
  });

/** What a policy file would change, without changing it; what is wrong with it stops with a sentence a line. */
export const checkPolicyFile = (config: Config, file: string | undefined, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine }) => {
    const name = file ?? config.accessPolicy;
    const text = await policyText({ ...config, accessPolicy: name });
    const lines = await engine.access.previewPolicy(text, name);
    say(
      lines.length === 0
        ? `${name} is valid and says what is in force already.`
        : `${name} is valid. Applying it would change:`,
    );
    for (const line of lines) say(line);
  });

/** Takes a restored copy over. */
export const adoptEnvironment = (config: Config, keep: boolean, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine: { environment } }) => {
    const adopted = await environment.adopt(keep);
    const { environment: name } = config;
    if (!adopted) return say(`This database belongs to ${name} already.`);
    say(`This database belongs to ${name} from now on.`);
    say(
      keep
        ? 'What was outstanding is delivered from here.'
        : 'What was outstanding is left to where the copy came from; webhooks wait to be resumed.',
    );
  });

export const rotateToolKey = (config: Config, say: Say): Promise<void> =>
  briefly(config, say, async (quarterdeck) => {
    say(`ID tokens are signed with the key ${await quarterdeck.rotateToolKey()} from now on.`);
  });

export const rewrapKeys = (config: Config, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine }) => {
    const { keys, masterKey } = await engine.compliance.rewrapKeys((done, all) =>
      say(`${done} of ${all} keys.`),
    );
    say(
      keys === 0
        ? `Every key of personal data is wrapped by the master key ${masterKey} already.`
        : `${keys} keys of personal data are wrapped by the master key ${masterKey} from now on.`,
    );
  });

export const rebuildProjection = (config: Config, projection: string, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine }) => {
    if (projection === 'audit-index') {
      await engine.auditIndex.rebuild();
      return say(
        'The audit index is made anew by the process that projects; searches by filter wait for it.',
      );
    }
    await engine.readSide.rebuild(projection);
    say(`${projection} is rebuilt beside the one in use by the projector that leads, and then switched.`);
  });

/** @returns whether the job is proven; every fault is said with its position. */
export const verifyBulkJob = async (config: Config, id: string, say: Say): Promise<boolean> => {
  let proven = false;
  await briefly(config, say, async ({ engine }) => {
    const verified = await engine.bulk.verify(id);
    for (const line of toldOf(verified)) say(line);
    proven = verified.faults.length === 0;
  });
  return proven;
};

/** @returns whether the log is as it was sealed. */
export const checkLog = async (config: Config, say: Say): Promise<boolean> => {
  let intact = false;
  await briefly(config, say, async ({ engine }) => {
    try {
      const { upTo } = await engine.transparency.checkAll(new AbortController().signal);
      say(`intact: ${upTo} events are as they were sealed.`);
      intact = true;
    } catch (error) {
      if (!(error instanceof LogFault)) throw error;
      say(`${error.kind} at ${error.position}: ${error.message}`);
    }
  });
  return intact;
};

/** An older backup was restored on purpose: the log is sealed on from there, and says so. */
export const acceptRestore = (config: Config, reason: string, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine }) => {
    const { signed, head, keptAs } = await engine.transparency.acceptRestore(reason);
    say(
      `Set back and recorded: ${signed} events had been signed, the log had ${head}. What was signed is kept as ${keptAs} at the mirror.`,
    );
    say('The process that seals goes on within a minute.');
  });
