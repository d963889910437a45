/**
 * Finds the route of a request by walking its path once, segment by segment, instead of asking every route of a
 * long list whether it matches. A literal segment wins over a parameter, and both over a tail, which takes the
 * rest of the path; nothing else is ambiguous. Serves what express's own router would: paths to the letter, HEAD
 * like GET, parameters decoded.
 */
import type { Request, Response } from 'express';
import { isQuarterdeckError } from '../errors.ts';
import { notFound } from './problem.ts';
import type { OnDenied, Route } from './route.ts';

interface Node {
  readonly literals: Map<string, Node>;
  parameter: { readonly name: string; readonly node: Node } | undefined;
  tail: { readonly name: string; readonly node: Node } | undefined;
  /** By method in capitals. */
  readonly routes: Map<string, Route>;
}

const newNode = (): Node => ({
  literals: new Map(),
  parameter: undefined,
  tail: undefined,
  routes: new Map(),
});

/** @throws Error where two routes name the same parameter differently, or answer the same. */
const childOf = (node: Node, segment: string, path: string): Node => {
  const name = /^\{(\w+)\}$/.exec(segment)?.[1];
  if (name === undefined) {
    const child = node.literals.get(segment) ?? newNode();
    node.literals.set(segment, child);
    return child;
  }
  node.parameter ??= { name, node: newNode() };
  if (node.parameter.name !== name)
    throw new Error(`${path}: this parameter is {${node.parameter.name}} elsewhere`);
  return node.parameter.node;
};

const treeOf = (routes: readonly Route[]): Node => {
  const root = newNode();
  for (const route of routes) {
    let node = root;
    const segments = route.path.slice(1).split('/');
    const tail = route.tail === true ? segments.pop()?.slice(1, -1) : undefined;
    for (const segment of segments) node = childOf(node, segment, route.path);
    if (tail !== undefined) {
      node.tail ??= { name: tail, node: newNode() };
      node = node.tail.node;
    }
    const method = route.method.toUpperCase();
    if (node.routes.has(method)) throw new Error(`${method} ${route.path} is answered twice`);
    node.routes.set(method, route);
  }
  return root;
};

interface Found {
  readonly node: Node;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Whatever may be left behind a literal that leads nowhere is tried as a parameter. */
const find = (node: Node, segments: readonly string[], from: number): Found | undefined => {
  const segment = segments[from];
  if (segment === undefined) return node.routes.size === 0 ? undefined : { node, parameters: {} };
  const literal = node.literals.get(segment);
  const found = literal === undefined ? undefined : find(literal, segments, from + 1);
  if (found !== undefined || segment === '') return found;
  if (node.parameter !== undefined) {
    const { name, node: child } = node.parameter;
    const behind = find(child, segments, from + 1);
    if (behind !== undefined)
      return { node: behind.node, parameters: { ...behind.parameters, [name]: segment } };
  }
  if (node.tail === undefined) return undefined;
  return { node: node.tail.node, parameters: { [node.tail.name]: segments.slice(from).join('/') } };
};

const decoded = (parameters: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, decodeURIComponent(value)]));

/** Answers every request that gets here: by its route, or with what the address does answer. */
export const dispatch = (
  routes: readonly Route[],
  onDenied: OnDenied,
): ((request: Request, response: Response) => Promise<void>) => {
  const tree = treeOf(routes);
  return async (request, response) => {
    const found = find(tree, request.path.slice(1).split('/'), 0);
    const route = found?.node.routes.get(request.method === 'HEAD' ? 'GET' : request.method);
    if (found === undefined || route === undefined) {
      const methods = methodsOf(found);
      if (methods.length > 0) response.setHeader('Allow', [...methods, 'OPTIONS'].join(', '));
      if (methods.length === 0 || request.method !== 'OPTIONS') throw unanswered(request, methods);
      response.status(204).end();
      return;
    }
    response.locals.route = route.path;
    request.params = decoded(found.parameters);
    try {
      await route.handle(request, response);
    } catch (error) {
      const denied =
        isQuarterdeckError(error) && error.code === 'not_permitted' && route.recordsDenials !== true;
      if (denied) onDenied(request, response, error);
      throw error;
    }
  };
};

const methodsOf = (found: Found | undefined): readonly string[] =>
  [...(found?.node.routes.keys() ?? [])]
    .sort()
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : method));

export const unanswered = ({ method }: Request, methods: readonly string[] = []) =>
  notFound(
    `Nothing answers ${method} at this address.${methods.length === 0 ? '' : ` It answers ${methods.join(', ')}.`}`,
  );
