/**
 * `GET /internal/v1/commands` and `POST /internal/v1/commands/{name}`: headers and body become a
 * command request, the answer becomes status, headers and JSON. Every rule of commanding lives behind
 * `Commands`; nothing is decided here.
 */
import type { Request, Response } from 'express';
import type { CommandDefinition } from '../commands/definition.ts';
import type { CommandAnswer, CommandRequest, Commands } from '../commands/request.ts';
import { sendJson, setPosition, setVersion } from './answer.ts';
import { readJsonObject } from './body.ts';
import { originOf, principalOf } from './caller.ts';
import { freeTextOf, idempotencyKeyOf, ifMatchOf, referenceOf } from './headers.ts';
import { catalogueOperation, commandOperation, commandOperationOf } from './openapi/commands.ts';
import { flagOf, pathParameter, queryOf, requireKnown } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';

interface Dependencies {
  readonly commands: Commands;
  readonly definitions: readonly CommandDefinition[];
}

export const commandRoutes = ({ commands, definitions }: Dependencies): readonly Route[] => [
  {
    ...commandOperation,
    describes: definitions.map(commandOperationOf),
    recordsDenials: true,
    handle: async (request, response) => {
      const name = pathParameter(request, 'name');
      send(response, await commands.execute(await commandRequest(name, request, response)));
    },
  },
  {
    ...catalogueOperation,
    handle: (request, response) => {
      requireKnown(queryOf(request), []);
      sendJson(response, { data: commands.catalogue(principalOf(response)) });
    },
  },
];

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
    reference: referenceOf(request),
  };
  const dryRun = flagOf(query, 'dryRun');
  return { ...originOf(response), ...present(optional), name, dryRun, input: await readJsonObject(request) };
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
