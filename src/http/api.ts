/** Every route of the API, from the use cases behind them and the definitions they are made of. */
import type { Audit } from '../audit/request.ts';
import type { CommandDefinition } from '../commands/definition.ts';
import type { Commands } from '../commands/request.ts';
import type { ProjectionDefinition } from '../queries/definition.ts';
import type { Queries } from '../queries/request.ts';
import type { Bulk } from '../workers/request.ts';
import { auditRoutes } from './audit.ts';
import { bulkRoutes } from './bulk.ts';
import { commandRoutes } from './commands.ts';
import { meRoute } from './me.ts';
import type { DocumentOptions } from './openapi/document.ts';
import { withDocumentation } from './openapi.ts';
import { queryRoutes } from './queries.ts';
import type { Route } from './route.ts';

export interface Api {
  readonly commands: Commands;
  readonly queries: Queries;
  readonly bulk: Pick<Bulk, 'accept' | 'jobs'>;
  readonly audit: Audit;
  readonly definitions: {
    readonly commands: readonly CommandDefinition[];
    readonly projections: readonly ProjectionDefinition[];
  };
  readonly documentation: DocumentOptions;
}

/** Commands first: express looks through routes in their order, and commands come most often. */
export const apiRoutes = ({
  commands,
  queries,
  bulk,
  audit,
  definitions,
  documentation,
}: Api): readonly Route[] =>
  withDocumentation(
    [
      ...commandRoutes({ commands, definitions: definitions.commands }),
      ...queryRoutes(queries, definitions.projections),
      ...bulkRoutes(bulk),
      ...auditRoutes(audit),
      meRoute,
    ],
    documentation,
  );
