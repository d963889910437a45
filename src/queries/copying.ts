/**
 * Copies of a projection that take their time: what is asked is settled first, then rows are read by pages of
 * one moment, from a table as of a position, without a transaction that stays open. Fields about people need a
 * permission of their own here, because a copy leaves the house.
 */
import type { Principal, Rows } from '../access/principal.ts';
import { notPermitted } from '../errors.ts';
import type { Catalogue } from './catalogue.ts';
import type { Column } from './columns.ts';
import type { Place } from './cursor.ts';
import { answered, type PageOfRecords, type PageWanted, placeOf, type Stored } from './pages.ts';
import { type Plan, planOf } from './plan.ts';
import type { Copied, CopyAsked, Copying, CopyRequest, Row } from './request.ts';

/** A copy with a field that is about a person, or one that is filtered by such a field. */
export const copyPersonal = 'exports:personal';

interface Deps {
  readonly catalogue: Catalogue;
  /** The position that `asOf` came to; undefined where the plan has none. @throws QuarterdeckError invalid_input. */
  readonly momentOf: (plan: Plan) => Promise<number | undefined>;
  /** Waits for `atLeast`, then keeps the rows as they are: the position that they are of. */
  readonly keepNow: (plan: Plan, atLeast: number) => Promise<number>;
  readonly count: (plan: Plan, position: number) => Promise<number>;
  readonly readPage: (wanted: PageWanted) => Promise<PageOfRecords>;
  /** Resolves when it is in the log that these rows' recorded fields were read. */
  readonly recordPage: (plan: Plan, request: CopyRequest, records: readonly Stored[]) => Promise<void>;
}

const isPersonal = ({ notes }: Column): boolean => notes.personal === true;

const queryOf = ({ where, fields, asOf }: CopyAsked): URLSearchParams => {
  const query = new URLSearchParams();
  if (where !== undefined) query.set('where', JSON.stringify(where));
  if (fields !== undefined) query.set('fields', fields.join(','));
  if (asOf !== undefined) query.set('asOf', asOf);
  return query;
};

/** @throws QuarterdeckError not_found, not_permitted, invalid_input. */
const planned = (catalogue: Catalogue, principal: Principal, asked: CopyAsked): Plan => {
  const plan = planOf(catalogue.get(asked.projection), principal, queryOf(asked), 'export');
  if (principal.permissions.has(copyPersonal)) return plan;
  const named = asked.fields === undefined ? [] : plan.fields;
  const personal = [...named, ...plan.filter.map(({ column }) => column)].find(isPersonal);
  if (personal !== undefined) throw notPermitted(copyPersonal);
  return { ...plan, fields: plan.fields.filter((column) => !isPersonal(column)) };
};

const withheld = '[personal]';

const withoutPersonal = ({ filter }: Plan, where: unknown): Readonly<Record<string, unknown>> => {
  const personal = new Set(
    filter.filter(({ column }) => isPersonal(column)).map(({ column }) => column.name),
  );
  const entries = Object.entries((where ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, value]) => [name, personal.has(name) ? withheld : value]));
};

const toldOf = (plan: Plan, asked: CopyAsked): Copied => ({
  fields: plan.fields.map(({ name, kind }) => ({ name, kind, text: kind === 'text' })),
  where: withoutPersonal(plan, asked.where),
  rows: plan.rows,
});

export const createCopying = (deps: Deps): Copying => {
  const { catalogue, momentOf, keepNow, count, readPage, recordPage } = deps;

  async function* pagesOf(
    plan: Plan,
    request: CopyRequest,
    position: number,
  ): AsyncGenerator<readonly Row[]> {
    let after: Place | undefined;
    for (;;) {
      const { records } = await readPage({ plan, asOf: position, after, limit: request.pageRows });
      const last = records.at(-1);
      if (last === undefined) return;
      await recordPage(plan, request, records);
      yield records.map((record) => answered(plan.fields, record));
      if (records.length < request.pageRows) return;
      after = placeOf(plan, last);
    }
  }

  return {
    async settle({ principal, ...asked }) {
      const plan = planned(catalogue, principal, asked);
      return { ...toldOf(plan, asked), position: await momentOf(plan) };
    },
    reaches: ({ principal, ...asked }) => toldOf(planned(catalogue, principal, asked), asked).rows,
    async keepNow({ principal, ...asked }, atLeast) {
      return keepNow(planned(catalogue, principal, asked), atLeast);
    },
    async read(request) {
      const { principal, position, pageRows: _, ...asked } = request;
      const plan = planned(catalogue, principal, asked);
      return {
        ...toldOf(plan, asked),
        total: await count(plan, position),
        pages: pagesOf(plan, request, position),
      };
    },
  };
};

/** Whether somebody who reaches `now` may have what was read by somebody who reached `then`. */
export const stillReached = (now: Rows, then: Rows): boolean => {
  const texts = new Set(now.map((part) => JSON.stringify(part)));
  return texts.has('[]') || then.every((part) => texts.has(JSON.stringify(part)));
};
