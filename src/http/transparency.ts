/** The verifiable log over HTTP, in the formats of C2SP: checkpoint, tiles, entry bundles, proofs, receipts. */
import type { Response } from 'express';
import type { ProvableExports } from '../audit/provable/exports.ts';
import { csvColumns } from '../audit/provable/format.ts';
import type { Proofs } from '../audit/transparency/proofs.ts';
import { sendJson } from './answer.ts';
import { readJsonObject } from './body.ts';
import { originOf } from './caller.ts';
import { csvLines } from './csv.ts';
import { operations } from './openapi/transparency.ts';
import { pathParameter, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';
import { sendStream } from './streaming.ts';

interface Deps {
  readonly proofs: Proofs;
  readonly exports: ProvableExports;
}

export const transparencyRoutes = ({ proofs, exports }: Deps): readonly Route[] => [
  {
    ...operations.exported,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      const opened = await exports.open({ ...originOf(response), body: await readJsonObject(request) });
      const manifest = `/internal/v1/audit/exports/${opened.id}/manifest`;
      await sendStream(request, response, {
        contentType: opened.format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
        fileName: `audit-${opened.id}.${opened.format}`,
        headers: { 'Quarterdeck-Position': String(opened.id), Link: `<${manifest}>; rel="describedby"` },
        chunks: opened.format === 'csv' ? csvLines(columns, opened.rows) : opened.lines,
      });
    },
  },
  {
    ...operations.manifest,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      const id = pathParameter(request, 'id');
      const chunks = await exports.manifest({ ...originOf(response), id });
      const fileName = `audit-${id}.manifest.ndjson`;
      await sendStream(request, response, { contentType: 'application/x-ndjson', fileName, chunks });
    },
  },
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
      const position = pathParameter(request, 'position');
      sendText(response, await proofs.inclusion({ ...originOf(response), position }));
    },
  },
  {
    ...operations.consistency,
    handle: async (request, response) => {
      const query = queryOf(request);
      requireKnown(query, ['from', 'to']);
      const from = wholeNumberOf(query, 'from', 1);
      const to = wholeNumberOf(query, 'to', 1);
      sendJson(response, await proofs.consistency({ ...originOf(response), ...present({ from, to }) }));
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

/** As stored, byte for byte: nothing of it is meant for a spreadsheet's eyes. */
const columns = csvColumns.map((name) => ({ name, text: false }));

const sendText = (response: Response, text: string): void => {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(text);
};

const sendBytes = (response: Response, bytes: Buffer): void => {
  response.setHeader('Content-Type', 'application/octet-stream');
  response.end(bytes);
};
