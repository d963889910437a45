/** Every route about the log: its search and exports, what it was at a moment, and its proofs. */
import type { Audit } from '../audit/request.ts';
import type { SnapshotDesk } from '../audit/snapshots.ts';
import type { Transparency } from '../audit/transparency/transparency.ts';
import { auditRoutes } from './audit.ts';
import type { Route } from './route.ts';
import { snapshotRoutes } from './snapshots.ts';
import { transparencyRoutes } from './transparency.ts';

interface OfTheLog {
  readonly audit: Audit;
  readonly snapshots: SnapshotDesk;
  readonly transparency: Transparency;
}

export const logRoutes = ({ audit, snapshots, transparency }: OfTheLog): readonly Route[] => [
  ...auditRoutes(audit),
  ...snapshotRoutes(snapshots),
  ...transparencyRoutes(transparency),
];
