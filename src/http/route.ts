/**
 * A route of the API as one value: what is served and what OpenAPI says come from the same
 * list, so that neither can know a route that the other does not.
 */
import type { Request, Response } from 'express';
import type { ErrorCode, QuarterdeckError } from '../errors.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header' | 'path';
  readonly description: string;
  readonly schema: JsonSchema;
  readonly required?: boolean;
  readonly example?: unknown;
}

export interface MediaType {
  readonly schema: JsonSchema;
  readonly example?: unknown;
}

export type Content = Readonly<Record<string, MediaType>>;

export interface Answer {
  readonly status: number;
  readonly description: string;
  readonly content?: Content;
  /** Names of answer headers, described in `openapi/fixed.ts`. */
  readonly headers?: readonly string[];
}

/** What is told about a route, whoever serves it. */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** As in OpenAPI: `/internal/v1/bulk-jobs/{id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** What the principal must hold; checked by the use case behind the route, not here. */
  readonly permission?: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: { readonly required: boolean; readonly description?: string; readonly content: Content };
  readonly answers: readonly Answer[];
  /** Beyond those that every route of its kind may answer with. */
  readonly codes: readonly ErrorCode[];
  /** Further `x-…` members of the operation. */
  readonly notes?: Readonly<Record<`x-${string}`, unknown>>;
}

export interface Route extends Operation {
  /** What OpenAPI says in this route's stead: one handler may serve a whole family of operations. */
  readonly describes?: readonly Operation[];
  /** The last parameter takes the rest of the path, slashes and all. */
  readonly tail?: true;
  /** The use case behind it records who was refused for want of a permission; otherwise the app does. */
  readonly recordsDenials?: true;
  readonly handle: (request: Request, response: Response) => Promise<void> | void;
}

/** Told of each refusal for want of a permission that nobody has recorded yet. */
export type OnDenied = (request: Request, response: Response, error: QuarterdeckError) => void;
