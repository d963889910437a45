/** Which screen an address shows. */
import { AccountPage } from '../account/account-page.tsx';
import { AccountsPage } from '../accounts/accounts-page.tsx';
import { AuditPage } from '../audit/audit-page.tsx';
import { BulkJobPage } from '../bulk-job/bulk-job-page.tsx';
import { BulkJobsPage } from '../bulk-jobs/bulk-jobs-page.tsx';
import { CompliancePage } from '../compliance/compliance-page.tsx';
import { ExportsPage } from '../exports/exports-page.tsx';
import { Empty } from '../parts/states.tsx';
import { kinds } from '../rows/kinds.tsx';
import { RowsPage } from '../rows/rows-page.tsx';
import { SessionsPage } from '../sessions/sessions-page.tsx';
import { StartJobPage } from '../start-job/start-job-page.tsx';
import { backPath } from '../step-up/fresh-sign-in.ts';
import { SignedInAgain } from '../step-up/signed-in-again.tsx';
import { Link } from './link.tsx';
import { usePlace } from './place.ts';

export const Screen = () => {
  const { pathname } = usePlace();
  const [area, id, ...rest] = pathname.split('/').filter(Boolean).map(decode);
  if (rest.length > 0) return <NothingHere />;
  if (area === undefined) return <AccountsPage />;
  if (area === 'accounts')
    return id === undefined ? <AccountsPage /> : <AccountPage key={id} accountId={id} />;
  if (area === 'bulk-jobs' && id === 'new') return <StartJobPage />;
  if (area === 'bulk-jobs') return id === undefined ? <BulkJobsPage /> : <BulkJobPage key={id} id={id} />;
  if (area === 'exports' && id === undefined) return <ExportsPage />;
  if (area === 'audit' && id === undefined) return <AuditPage />;
  if (area === 'compliance' && id === undefined) return <CompliancePage />;
  if (area === 'sessions' && id === undefined) return <SessionsPage />;
  const kind = kinds.find(({ path }) => path === area);
  if (kind !== undefined && id === undefined) return <RowsPage key={kind.path} kind={kind} />;
  if (pathname === backPath) return <SignedInAgain />;
  return <NothingHere />;
};

const NothingHere = () => (
  <Empty title="There is no such page">
    <Link href="/accounts">Go to the accounts</Link>
  </Empty>
);

const decode = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};
