/** The routes of what reaches outside. */
import type { Feed } from '../audit/feed.ts';
import type { WebhookDesk } from '../webhooks/desk.ts';
import type { ReactorDesk } from '../workers/reactors/request.ts';
import type { ReconciliationDesk } from '../workers/reconciliation/index.ts';
import { feedRoute } from './feed.ts';
import { reactorRoutes } from './reactors.ts';
import { reconciliationRoutes } from './reconciliations.ts';
import type { Route } from './route.ts';
import { webhookRoutes } from './webhooks.ts';

interface Desks {
  readonly reactors: { readonly desk: ReactorDesk };
  readonly webhooks: { readonly desk: WebhookDesk } | undefined;
  readonly reconciliations: { readonly desk: ReconciliationDesk };
  readonly feed: Feed;
}

export const fanOutRoutes = ({ reactors, webhooks, reconciliations, feed }: Desks): readonly Route[] => [
  ...reactorRoutes(reactors.desk),
  ...(webhooks === undefined ? [] : webhookRoutes(webhooks.desk)),
  ...reconciliationRoutes(reconciliations.desk),
  feedRoute(feed),
];
