/**
 * `GET /internal/v1/commands` and `POST /internal/v1/commands/{name}`: headers and body become a
 * command request, the answer becomes status, headers and JSON. Every rule of commanding lives behind
 * `Commands`; nothing is decided here.
 */
import type { Request, Response } from 'express';
import type { CommandDefinition } from '../commands/definition.ts';
import type { CommandAnswer, CommandRequest, Commands } from '../commands/request.ts';
import { isQuarterdeckError } from '../errors.ts';
import { sendJson, setPosition, setVersion } from './answer.ts';
import { readJsonObject } from './body.ts';
import { originOf, principalOf } from './caller.ts';
import { freeTextOf, idempotencyKeyOf, ifMatchOf } from './headers.ts';
import type { Metrics } from './metrics.ts';
import { catalogueOperation, commandOperation, commandOperationOf } from './openapi/commands.ts';
import { flagOf, pathParameter, queryOf, requireKnown } from './parameters.ts';
import type { Route } from './route.ts';

interface Dependencies {
  readonly commands: Commands;
  readonly definitions: readonly CommandDefinition[];
  readonly metrics: Metrics;
}

export const commandRoutes = (deps: Dependencies): readonly Route[] => {
  const names = new Set(deps.definitions.map((definition) => definition.name));
  const count = (name: string, outcome: string) =>
    deps.metrics.commandAnswered(names.has(name) ? name : 'unknown', outcome);
  return [
    {
      ...commandOperation,
      describes: deps.definitions.map(commandOperationOf),
      handle: async (request, response) => {
        const name = pathParameter(request, 'name');
        try {
          const answer = await deps.commands.execute(await commandRequest(name, request, response));
          count(name, outcomeOf(answer));
          send(response, answer);
        } catch (error) {
          count(name, isQuarterdeckError(error) ? error.code : 'internal');
          throw error;
        }
      },
    },
    {
      ...catalogueOperation,
      handle: (request, response) => {
        requireKnown(queryOf(request), []);
        sendJson(response, { data: deps.commands.catalogue(principalOf(response)) });
      },
    },
  ];
};

/** Headers before the body: what is wrong with them is known without reading it. */
const commandRequest = async (
  name: string,
  request: Request,
  response: Response,
): Promise<CommandRequest> => {
  const query = queryOf(request);
  requireKnown(query, ['dryRun']);
  const optional = {
    idempotencyKey: idempotencyKeyOf(request),
    ifMatch: ifMatchOf(request),
    reason: freeTextOf(request, 'Quarterdeck-Reason'),
    reference: freeTextOf(request, 'Quarterdeck-Reference'),
  };
  const dryRun = flagOf(query, 'dryRun');
  return { ...originOf(response), ...present(optional), name, dryRun, input: await readJsonObject(request) };
};

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Absent rather than undefined, as the engine's types have it. */
const present = <T extends object>(fields: T): Present<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;

const outcomeOf = (answer: CommandAnswer): string => {
  if (answer.kind === 'dry-run') return 'dry-run';
  if (answer.replayed) return 'replayed';
  return answer.done.events.length === 0 ? 'unchanged' : 'done';
};

const send = (response: Response, answer: CommandAnswer): void => {
  if (answer.kind === 'dry-run') {
    sendJson(response, answer.dryRun);
    return;
  }
  setPosition(response, answer.done.position);
  setVersion(response, answer.done.version);
  if (answer.replayed) response.setHeader('Idempotent-Replayed', 'true');
  sendJson(response, answer.done);
};
