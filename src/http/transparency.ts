/** The verifiable log over HTTP, in the formats of C2SP: checkpoint, tiles, entry bundles, proofs, receipts. */
import type { Response } from 'express';
import type { Proofs } from '../audit/transparency/proofs.ts';
import { invalidInput } from '../errors.ts';
import { sendJson } from './answer.ts';
import { originOf } from './caller.ts';
import { operations } from './openapi/transparency.ts';
import { pathParameter, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';

export const transparencyRoutes = (proofs: Proofs): readonly Route[] => [
  {
    ...operations.vkey,
    handle: async (_request, response) => sendText(response, `${await proofs.vkey(originOf(response))}\n`),
  },
  {
    ...operations.vkeys,
    handle: async (_request, response) =>
      sendText(response, (await proofs.vkeys(originOf(response))).map((key) => `${key}\n`).join('')),
  },
  {
    ...operations.checkpoint,
    handle: async (_request, response) => sendText(response, await proofs.checkpoint(originOf(response))),
  },
  {
    ...operations.tile,
    tail: true,
    handle: async (request, response) => {
      const [level, path] = [pathParameter(request, 'level'), pathParameter(request, 'index')];
      sendBytes(response, await proofs.tile({ ...originOf(response), level, path }));
    },
  },
  {
    ...operations.bundle,
    tail: true,
    handle: async (request, response) =>
      sendBytes(
        response,
        await proofs.bundle({ ...originOf(response), path: pathParameter(request, 'index') }),
      ),
  },
  {
    ...operations.inclusion,
    handle: async (request, response) => {
      const text = pathParameter(request, 'position');
      if (!/^[1-9]\d{0,14}$/.test(text))
        throw invalidInput('position', 'must be a position of the log, from 1');
      sendText(response, await proofs.inclusion({ ...originOf(response), position: Number(text) }));
    },
  },
  {
    ...operations.consistency,
    handle: async (request, response) => {
      const query = queryOf(request);
      requireKnown(query, ['from', 'to']);
      const from = wholeNumberOf(query, 'from', 1);
      if (from === undefined) throw invalidInput('from', 'must be the size of an earlier checkpoint');
      const to = wholeNumberOf(query, 'to', 1);
      sendJson(response, await proofs.consistency({ ...originOf(response), from, ...present({ to }) }));
    },
  },
  {
    ...operations.receipt,
    handle: async (request, response) => {
      const commandId = pathParameter(request, 'commandId');
      sendJson(response, await proofs.receipt({ ...originOf(response), commandId }));
    },
  },
];

const sendText = (response: Response, text: string): void => {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(text);
};

const sendBytes = (response: Response, bytes: Buffer): void => {
  response.setHeader('Content-Type', 'application/octet-stream');
  response.end(bytes);
};
