/**
 * The pipeline of a command: authorise → validate → load → decide → append. Each stage can stop it, and
 * whatever stops it is recorded. `execute` below is the whole order of things.
 */

import { createPatch } from 'rfc6902';
import { type MetadataSource, metadataOf, type Origin } from '../access/origin.ts';
import { notPermitted, QuarterdeckError } from '../errors.ts';
import type { EventData } from '../events/definition.ts';
import type { Metadata } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import type { Catalogue } from './catalogue.ts';
import type { Ask, Deciding, Verdict } from './deciding.ts';
import type { CommandDefinition, Rejection } from './definition.ts';
import { commandsStream } from './engine-events.ts';
import type { Idempotency, IdempotencyKey } from './idempotency.ts';
import type { Complete, Lanes, Settled } from './lanes.ts';
import { beyondLimits, permittedFor } from './permitting.ts';
import { codeOfRejection, keyUse, refusalEvent, replayOf, unchangedEvent } from './recording.ts';
import type { RefusalCounts } from './refusal-counts.ts';
import { inputProblem, isGiven, missingNeed, rejected, taken, tryAgain } from './refusals.ts';
import type { CommandAnswer, CommandRequest, Commands } from './request.ts';
import { validateInput } from './validate.ts';

export interface PipelineOptions {
  readonly log: EventLog;
  readonly catalogue: Catalogue;
  readonly deciding: Deciding;
  readonly lanes: Lanes;
  readonly idempotency: Idempotency;
  readonly source: MetadataSource;
  /** Records a denial (throttled: denials can come in floods). */
  readonly denied: (origin: Origin, denial: { command: string; permission: string }) => Promise<void>;
  /** Which refusals are recorded by themselves; the rest are counted. */
  readonly refusals: Pick<RefusalCounts, 'take'>;
  /** Told of every command and how it ended, for metrics. */
  readonly onOutcome?: (command: string, outcome: string) => void;
}

export const createPipeline = (options: PipelineOptions): Commands => {
  const { catalogue, log, source } = options;

  const execute = async (request: CommandRequest): Promise<CommandAnswer> => {
    const command = catalogue.get(request.name);
    await authorise(request, command.permission);
    const ask = await permit(request, await validate(command, request));
    if (request.dryRun === true) return preview(ask);
    const key = keyOf(request, ask);
    return key === undefined ? carryOut(ask) : carryOutOnce(ask, key);
  };

  const authorise = async (request: CommandRequest, permission: string): Promise<void> => {
    if (!request.principal.permissions.has(permission)) throw await denied(request, permission);
  };

  const denied = async (
    request: CommandRequest,
    permission: string,
    error = notPermitted(permission),
  ): Promise<QuarterdeckError> => {
    await options.denied(request, { command: request.name, permission });
    return error;
  };

  /** What this very input needs, how far limits go, and which rows that reaches. */
  const permit = async (request: CommandRequest, ask: Ask): Promise<Ask> => {
    const permitted = permittedFor(request.principal.permissions, ask.command, ask.input);
    if (!('missing' in permitted)) return { ...ask, ...permitted };
    const { missing, limited } = permitted;
    throw await denied(request, missing, limited ? beyondLimits(request.name, missing) : undefined);
  };

  const validate = async (command: CommandDefinition, request: CommandRequest): Promise<Ask> => {
    const validated = validateInput(command, request.input);
    const input = validated.ok ? validated.input : {};
    const reason = [input.reason, request.reason].find(isGiven);
    const { reference, ifMatch, principal } = request;
    const metadata = metadataOf(request, source, { command: command.name, reason, reference });
    const given = { reason, reference, principal, now: metadata.decidedAt };
    const problem = validated.ok ? missingNeed(command, given) : inputProblem(validated.errors);
    if (problem !== undefined) {
      if (request.dryRun === true) throw problem;
      throw await refused({ metadata, input: request.input }, problem);
    }
    return {
      command,
      input,
      metadata,
      can: principal.permissions.has,
      ...(ifMatch === undefined ? {} : { ifMatch }),
    };
  };

  /** Records a refusal that no unit carries, and hands the error back to be thrown. */
  const refused = async (
    { metadata, input }: { metadata: Metadata; input: unknown },
    error: QuarterdeckError,
  ): Promise<QuarterdeckError> => {
    const { code, rejection } = error;
    if (!options.refusals.take(metadata, code)) return error;
    const { type, data } = refusalEvent(metadata, { code, rejection, size: sizeOf(input) });
    await log.record(commandsStream, [{ type, data }], metadata);
    return error;
  };

  /**
   * Whoever reaches some rows only learns from it which ids stand for rows that are kept from them, as the command
   * itself would tell; so that it is recorded like that, whether there was something or not.
   */
  const refusedPreview = async (ask: Ask, verdict: Verdict): Promise<QuarterdeckError> => {
    const error = rejected(verdict.rejection as Rejection);
    if (ask.rows === undefined || !options.refusals.take(ask.metadata, error.code)) return error;
    const { type, data } = refusalOf(ask, verdict, { dryRun: true });
    await log.record(commandsStream, [{ type, data }], ask.metadata);
    return error;
  };

  const preview = async (ask: Ask): Promise<CommandAnswer> => {
    const [decision] = await options.deciding.decideAll([ask]);
    const verdict = decision?.verdicts[0] as Verdict;
    if (verdict.rejection !== undefined) throw await refusedPreview(ask, verdict);
    const events = verdict.events.map(({ type, data }) => ({ type, data }));
    return {
      kind: 'dry-run',
      dryRun: { dryRun: true, events, diff: createPatch(verdict.before, verdict.after) },
    };
  };

  const keyOf = (request: CommandRequest, { input, ifMatch, metadata }: Ask): IdempotencyKey | undefined =>
    request.idempotencyKey === undefined
      ? undefined
      : options.idempotency.keyFor(request.principal, request.idempotencyKey, {
          name: request.name,
          input,
          ifMatch: ifMatch ?? null,
          reason: metadata.reason ?? null,
        });

  /** What the key stands for already is not decided again: by now the rules might say something else. */
  const carryOutOnce = async (ask: Ask, key: IdempotencyKey): Promise<CommandAnswer> => {
    try {
      return await options.idempotency.inTurn(key, async () => (await replay(key)) ?? carryOut(ask, key));
    } catch (error) {
      // `idempotency_in_flight` only says to ask again, perhaps because the log takes nothing just now.
      if (error instanceof QuarterdeckError && error.code === 'idempotency_key_reused')
        throw await refused(ask, error);
      throw error;
    }
  };

  const carryOut = async (ask: Ask, key?: IdempotencyKey): Promise<CommandAnswer> => {
    const settled = await options.lanes.run(ask, completion(ask, key)).catch(async (error: unknown) => {
      // What was to be done alongside said no, and took the command's own events with it.
      throw saysNo(error) ? await refused(ask, error) : error;
    });
    if ('duplicate' in settled) return (await replay(key as IdempotencyKey)) ?? tryAgain();
    if ('claimed' in settled) throw await refused(ask, rejected(taken(settled.claimed)));
    const { rejection } = settled.verdict;
    if (rejection === undefined) return done(ask, settled);
    // This outcome leaves the key free, but another process may have used it in the meantime.
    const earlier =
      key !== undefined && codeOfRejection(rejection.rejection) !== 'rejected'
        ? await replay(key)
        : undefined;
    if (earlier !== undefined) return earlier;
    throw rejected(rejection);
  };

  /** Asked once a command, however often it is decided: it counts once. */
  const isRecorded = ({ metadata }: Ask): ((verdict: Verdict) => boolean) => {
    let recorded: boolean | undefined;
    return ({ rejection }) => {
      recorded ??= options.refusals.take(metadata, codeOfRejection(rejection?.rejection ?? ''));
      return recorded;
    };
  };

  const completion = (ask: Ask, key: IdempotencyKey | undefined): Complete => {
    const recorded = isRecorded(ask);
    return (verdict, place) => {
      const use = key === undefined ? undefined : keyUse(key, ask.metadata, verdict, place);
      const keys = use === undefined ? [] : [use];
      if (verdict.outcome === 'succeeded') return { keys };
      if (verdict.rejection !== undefined && !recorded(verdict)) return { keys };
      const event =
        verdict.rejection === undefined ? unchangedEvent(ask.metadata, verdict) : refusalOf(ask, verdict);
      return { keys, events: [event], writes: [{ stream: commandsStream, base: 'any' }] };
    };
  };

  const refusalOf = (ask: Ask, { rejection, stream }: Verdict, more: { dryRun?: true } = {}) => {
    const code = codeOfRejection(rejection?.rejection ?? '');
    const own = code === 'rejected' ? rejection?.rejection : undefined;
    return refusalEvent(ask.metadata, { code, rejection: own, stream, size: sizeOf(ask.input), ...more });
  };

  const replay = async (key: IdempotencyKey): Promise<CommandAnswer | undefined> => {
    const stored = await options.idempotency.find(key);
    if (stored === undefined) return undefined;
    const answer = replayOf(stored);
    if ('rejection' in answer) throw rejected(answer, true);
    return { kind: 'done', done: answer.done, replayed: true };
  };

  const counted = async (request: CommandRequest): Promise<CommandAnswer> => {
    try {
      const answer = await execute(request);
      const changed = answer.kind === 'done' && answer.done.events.length > 0;
      options.onOutcome?.(
        request.name,
        answer.kind === 'dry-run' ? 'dry_run' : changed ? 'succeeded' : 'unchanged',
      );
      return answer;
    } catch (error) {
      const code = error instanceof QuarterdeckError ? error.code : 'internal';
      options.onOutcome?.(catalogue.find(request.name) === undefined ? 'unknown' : request.name, code);
      throw error;
    }
  };

  return { execute: counted, catalogue: catalogue.entries };
};

const saysNo = (error: unknown): error is QuarterdeckError =>
  error instanceof QuarterdeckError && (error.code === 'rejected' || error.code === 'invalid_input');

const done = ({ metadata }: Ask, settled: Extract<Settled, { verdict: Verdict }>): CommandAnswer => {
  const { verdict, positions, lastPosition } = settled;
  const first = verdict.version - verdict.events.length + 1;
  const events = verdict.events.map(({ type }, n) => ({
    type,
    version: first + n,
    position: positions[n] ?? 0,
  }));
  const { stream, version } = verdict;
  return {
    kind: 'done',
    replayed: false,
    done: { commandId: metadata.commandId, stream, version, position: lastPosition, events },
  };
};

const sizeOf = (input: unknown): number => Buffer.byteLength(JSON.stringify((input ?? null) as EventData));
