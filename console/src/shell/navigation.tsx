/** The areas of the console that this person may see. */
import { Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { permits } from '../api/me.ts';
import { Link } from '../navigation/link.tsx';
import { usePlace } from '../navigation/place.ts';
import { AccountsIcon, AuditIcon, ErasureIcon, ExportsIcon, JobsIcon, RowsIcon } from '../parts/icons.tsx';
import { kinds } from '../rows/kinds.tsx';
import { useMe, usePermits } from './me-context.ts';

export const Navigation = () => {
  const mayReadJobs = usePermits('bulk:read');
  const mayExport = usePermits('exports:run');
  const mayAudit = usePermits('audit:read');
  const me = useMe();
  const readable = kinds.filter(({ permission }) => permits(me, permission));
  const mayErase = usePermits('compliance:read');
  return (
    <Stack component="nav" aria-label="Areas" gap={2} flex={1}>
      <Area href="/accounts" icon={<AccountsIcon />} name="Accounts" />
      {readable.map(({ path, title }) => (
        <Area key={path} href={`/${path}`} icon={<RowsIcon of={path} />} name={title} />
      ))}
      {mayReadJobs && <Area href="/bulk-jobs" icon={<JobsIcon />} name="Bulk jobs" />}
      {mayExport && <Area href="/exports" icon={<ExportsIcon />} name="Exports" />}
      {mayAudit && <Area href="/audit" icon={<AuditIcon />} name="Audit" />}
      {mayErase && <Area href="/compliance" icon={<ErasureIcon />} name="Compliance" />}
    </Stack>
  );
};

interface AreaProps {
  readonly href: string;
  readonly icon: ReactNode;
  readonly name: string;
}

const Area = ({ href, icon, name }: AreaProps) => {
  const { pathname } = usePlace();
  const here =
    pathname === href || pathname.startsWith(`${href}/`) || (pathname === '/' && href === '/accounts');
  return (
    <Link className="bar-link" href={href} aria-current={here ? 'page' : undefined}>
      {icon}
      {name}
    </Link>
  );
};
