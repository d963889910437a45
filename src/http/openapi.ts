/** `GET /internal/openapi.json` and `GET /internal/docs`: what all the other routes are. */
import { sendJson } from './answer.ts';
import { docsPage } from './docs/page.ts';
import { type DocumentOptions, documentOf, operationsOf } from './openapi/document.ts';
import { docsOperation, documentOperation } from './openapi/fixed.ts';
import type { Route } from './route.ts';

/** The given routes and these two. Both answers are made once: the routes never change. */
export const withDocumentation = (routes: readonly Route[], options: DocumentOptions): readonly Route[] => {
  const all: Route[] = [...routes];
  all.push(
    { ...documentOperation, handle: (_request, response) => sendJson(response, document) },
    {
      ...docsOperation,
      handle: (_request, response) => {
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        response.end(page);
      },
    },
  );
  const document = documentOf(all, options);
  const page = docsPage(operationsOf(all), options.publicUrl);
  return all;
};
