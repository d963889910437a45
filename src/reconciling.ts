/**
 * Our side of a reconciliation: rows of a projection as the system reads them, and what one must hold to be shown
 * them. Between queries and workers, which do not know each other.
 */
import { systemPrincipal } from './access/principal.ts';
import type { ProjectionDefinition } from './queries/definition.ts';
import type { Queries } from './queries/request.ts';
import type { ProductRow, ReconciliationDefinition } from './workers/reconciliation/definition.ts';
import type { ReconciliationsOptions } from './workers/reconciliation/index.ts';

type Ours = Pick<ReconciliationsOptions, 'sidesOf' | 'permissionsFor'>;

export const oursIn = (
  queries: Pick<Queries, 'exportRows' | 'list'>,
  projections: readonly ProjectionDefinition[],
): Ours => {
  const projectionOf = ({ name, projection }: ReconciliationDefinition): ProjectionDefinition => {
    const found = projections.find((one) => one.name === projection);
    if (found === undefined)
      throw new Error(`the reconciliation ${name} is of ${projection}, which is no projection`);
    return found;
  };

  return {
    sidesOf(definition) {
      const projection = projectionOf(definition);
      const { keyField } = projection;
      const fields = [...new Set([keyField, ...definition.fields])].join(',');
      const asked = { principal: systemPrincipal, projection: projection.name };
      return {
        keyField,
        subjectOf: (key) => projection.stream?.(key) ?? key,
        all: async () => {
          const query = new URLSearchParams({ fields, sort: keyField });
          return (await queries.exportRows({ ...asked, query })).rows as AsyncIterable<ProductRow>;
        },
        find: async (keys) => {
          const where = JSON.stringify({ [keyField]: { in: keys } });
          const query = new URLSearchParams({ fields, where, limit: String(keys.length) });
          return (await queries.list({ ...asked, query })).data;
        },
      };
    },
    permissionsFor(definition) {
      const projection = projectionOf(definition);
      const unknown = definition.fields.find((field) => !(field in projection.schema.shape));
      if (unknown !== undefined)
        throw new Error(`the reconciliation ${definition.name} compares ${unknown}, which is no field`);
      const internal = definition.fields.flatMap((field) => projection.fields[field]?.internal ?? []);
      return [projection.permission, ...internal];
    },
  };
};
