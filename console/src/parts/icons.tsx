/** The few icons the console needs, drawn here: no icon font, no request. */
interface IconProps {
  readonly size?: number;
}

interface DrawnProps extends IconProps {
  readonly path: string;
}

const Drawn = ({ path, size = 18 }: DrawnProps) => (
  <svg
    width={size}
    height={size}
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    strokeWidth="1.8"
    strokeLinecap="round"
    strokeLinejoin="round"
    aria-hidden="true"
  >
    <path d={path} />
  </svg>
);

const accountsPath = 'M4 6h16M4 12h16M4 18h10';
const jobsPath = 'm12 3 9 4.5-9 4.5-9-4.5zM3 12l9 4.5 9-4.5M3 16.5 12 21l9-4.5';
const exportsPath = 'M12 3v12M7 10.5l5 5 5-5M4 19.5h16';
const auditPath = 'M12 3 4.5 6v5.5c0 4.6 3.1 7.8 7.5 9.5 4.4-1.7 7.5-4.9 7.5-9.5V6zM8.8 12l2.3 2.3 4.2-4.4';
const rowPaths: Readonly<Record<string, string>> = {
  invoices: 'M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6',
  credits: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 8v8M8 12h8',
  notes: 'M5 4h14v11l-5 5H5zM14 20v-5h5M8 9h8M8 13h4',
  'access-grants': 'M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8M11 12l8-8M16 7l3 3',
};
const sunPath =
  'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4';
const moonPath = 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5';
const sortPath = 'M12 19V5M6 11l6-6 6 6';

export const AccountsIcon = (props: IconProps) => <Drawn {...props} path={accountsPath} />;
export const JobsIcon = (props: IconProps) => <Drawn {...props} path={jobsPath} />;
export const ExportsIcon = (props: IconProps) => <Drawn {...props} path={exportsPath} />;
const erasurePath = 'M9 9l6 6M15 9l-6 6M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18z';
export const ErasureIcon = (props: IconProps) => <Drawn {...props} path={erasurePath} />;
export const AuditIcon = (props: IconProps) => <Drawn {...props} path={auditPath} />;
export const RowsIcon = ({ of, ...props }: IconProps & { readonly of: string }) => (
  <Drawn {...props} path={rowPaths[of] ?? accountsPath} />
);
export const SunIcon = (props: IconProps) => <Drawn {...props} path={sunPath} />;
export const MoonIcon = (props: IconProps) => <Drawn {...props} path={moonPath} />;
export const SortIcon = (props: IconProps) => <Drawn {...props} path={sortPath} />;

/** The ship's wheel. */
export const Wheel = ({ size = 24 }: IconProps) => (
  <svg width={size} height={size} viewBox="0 0 32 32" fill="none" stroke="currentColor" aria-hidden="true">
    <g strokeWidth="2.2" strokeLinecap="round">
      <circle cx="16" cy="16" r="8.4" />
      <path d="M16 2.5v27M2.5 16h27M6.5 6.5l19 19M25.5 6.5l-19 19" />
    </g>
    <circle cx="16" cy="16" r="3" fill="#e0a83f" stroke="none" />
  </svg>
);
