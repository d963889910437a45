/**
 * Everything under `/scim`: a directory's own way in, with a bearer token that opens nothing else. Answers
 * and refusals are SCIM's (RFC 7644), because a directory understands no other.
 */
import { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from 'express';
import { pageMax, resourceTypes, schemas, serviceProviderConfig, urn } from '../access/scim/discovery.ts';
import { invalid, ScimFault } from '../access/scim/fault.ts';
import { parseFilter } from '../access/scim/filter.ts';
import { type Groups, groupOf } from '../access/scim/groups.ts';
import { changesOf } from '../access/scim/patch.ts';
import type { Scim } from '../access/scim/scim.ts';
import { userOf } from '../access/scim/user.ts';
import { type Directory, pathsOf, type Users } from '../access/scim/users.ts';
import { groupView, listView, userView } from '../access/scim/views.ts';
import { isQuarterdeckError } from '../errors.ts';
import { clientAddressOf } from './authenticate.ts';
import { readJsonObject } from './body.ts';
import { scimOperations as told } from './openapi/scim.ts';
import { oneOf, pathParameter, queryOf } from './parameters.ts';
import { problemKinds } from './problem.ts';
import type { Operation } from './route.ts';

type Handle = (directory: Directory, request: Request, response: Response) => Promise<void> | void;

const mediaTypes = ['application/scim+json', 'application/json'];
const pageDefault = 100;

type On = (operation: Operation, handle: Handle) => void;

export const scimRouter = (scim: Scim, publicUrl: string): RequestHandler => {
  const router = Router({ strict: true, caseSensitive: true });
  const base = `${publicUrl}/scim/v2`;
  const on: On = ({ method, path }, handle) => {
    router[method](path.slice('/scim'.length).replaceAll(/\{(\w+)\}/g, ':$1'), async (request, response) => {
      response.locals.route = path;
      await handle(directoryIn(response), request, response);
    });
  };

  router.use(fromDirectory(scim));
  on(told.ServiceProviderConfig, (_directory, _request, response) => send(response, serviceProviderConfig));
  on(told.ResourceTypes, (_directory, _request, response) => send(response, listView(resourceTypes, 2, 1)));
  on(told.Schemas, (_directory, _request, response) => send(response, listView(schemas, 2, 1)));
  answerUsers(on, scim.users, base);
  answerGroups(on, scim.groups, base);
  router.use(nothingHere, faults);
  return router;
};

const fromDirectory =
  (scim: Scim): RequestHandler =>
  (request, response, next) => {
    response.locals.directory = scim.directoryFor({
      authorization: request.headers.authorization,
      method: request.method,
      path: '/scim',
      ip: clientAddressOf(response),
    });
    next();
  };

const answerUsers = (on: On, users: Users, base: string): void => {
  on(told.users.list, async (directory, request, response) => {
    const { filter, startIndex, window } = listing(request, ['id', 'username', 'externalid']);
    const { data, total } = await users.list(directory, filter, window);
    const views = data.map((user) => userView(base, user));
    send(response, listView(views, total, startIndex));
  });
  on(told.users.create, async (directory, request, response) => {
    const user = userOf(await bodyOf(request), pathsOf(directory));
    created(response, userView(base, await users.create(directory, user)));
  });
  on(told.users.find, async (directory, request, response) => {
    send(response, userView(base, await users.find(directory, idIn(request))));
  });
  on(told.users.replace, async (directory, request, response) => {
    const user = userOf(await bodyOf(request), pathsOf(directory));
    send(response, userView(base, await users.replace(directory, idIn(request), user)));
  });
  on(told.users.patch, async (directory, request, response) => {
    const changes = changesOf(await bodyOf(request));
    send(response, userView(base, await users.patch(directory, idIn(request), changes)));
  });
  on(told.users.remove, async (directory, request, response) => {
    await users.remove(directory, idIn(request));
    response.status(204).end();
  });
};

const answerGroups = (on: On, groups: Groups, base: string): void => {
  on(told.groups.list, async (directory, request, response) => {
    const known = ['id', 'displayname', 'externalid', 'members'];
    const { filter, startIndex, window } = listing(request, known);
    const wanted = { ...window, withMembers: wantsMembers(request) };
    const { data, total } = await groups.list(directory, filter, wanted);
    const views = data.map((group) => groupView(base, group));
    send(response, listView(views, total, startIndex));
  });
  on(told.groups.create, async (directory, request, response) => {
    const group = groupOf(await bodyOf(request));
    created(response, groupView(base, await groups.create(directory, group)));
  });
  on(told.groups.find, async (directory, request, response) => {
    const group = await groups.find(directory, idIn(request), wantsMembers(request));
    send(response, groupView(base, group));
  });
  on(told.groups.replace, async (directory, request, response) => {
    const group = groupOf(await bodyOf(request));
    send(response, groupView(base, await groups.replace(directory, idIn(request), group)));
  });
  on(told.groups.patch, async (directory, request, response) => {
    await groups.patch(directory, idIn(request), changesOf(await bodyOf(request)));
    response.status(204).end();
  });
  on(told.groups.remove, async (directory, request, response) => {
    await groups.remove(directory, idIn(request));
    response.status(204).end();
  });
};

const nothingHere: RequestHandler = () => {
  throw new ScimFault(404, 'Nothing answers at this address.');
};

const directoryIn = (response: Response): Directory => response.locals.directory as Directory;

const bodyOf = (request: Request) => readJsonObject(request, mediaTypes);

const idIn = (request: Request): string => pathParameter(request, 'id');

const wantsMembers = (request: Request): boolean => {
  const excluded = oneOf(queryOf(request), 'excludedAttributes') ?? '';
  return !excluded.split(',').some((name) => name.trim().toLowerCase() === 'members');
};

/** The page and filter of a list. What is out of bounds is brought into them, as RFC 7644 section 3.4.2.4 asks. */
const listing = (request: Request, known: readonly string[]) => {
  const query = queryOf(request);
  const startIndex = Math.max(1, numberIn(query, 'startIndex') ?? 1);
  const limit = Math.min(pageMax, Math.max(0, numberIn(query, 'count') ?? pageDefault));
  const text = oneOf(query, 'filter');
  const filter = text === undefined ? new Map<string, string>() : parseFilter(text, known);
  return { filter, startIndex, window: { limit, offset: startIndex - 1 } };
};

const numberIn = (query: URLSearchParams, name: string): number | undefined => {
  const given = oneOf(query, name);
  if (given === undefined) return undefined;
  if (!/^-?\d{1,9}$/.test(given)) throw invalid('invalidValue', `${name}: a whole number`);
  return Number(given);
};

const send = (response: Response, body: unknown, status = 200): void => {
  response.setHeader('Content-Type', 'application/scim+json; charset=utf-8');
  response.status(status).end(JSON.stringify(body));
};

const created = (response: Response, view: { readonly meta: { readonly location: string } }): void => {
  response.setHeader('Location', view.meta.location);
  send(response, view, 201);
};

/** Ours in SCIM's words; what is neither goes on to the app's own handler, which logs it. */
const faults: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (!(error instanceof ScimFault) && !isQuarterdeckError(error)) return next(error);
  const status = error instanceof ScimFault ? error.status : problemKinds[error.code].status;
  const scimType = error instanceof ScimFault ? error.scimType : undefined;
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  if (status === 429 || status === 503) response.setHeader('Retry-After', '1');
  response.locals.code = scimType ?? `scim ${status}`;
  send(response, { schemas: [urn.error], status: String(status), detail: error.message, scimType }, status);
};
