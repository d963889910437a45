/** How values are written for people: money, times, durations, names of things. Pure. */
const formats = new Map<string, Intl.NumberFormat>();

const moneyFormat = (currency: string): Intl.NumberFormat => {
  const known = formats.get(currency);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
  formats.set(currency, made);
  return made;
};

/** A decimal string stays one: `Intl` formats it exactly, no float in between. */
export const money = (amount: string | null | undefined, currency: string = 'USD'): string => {
  if (amount === null || amount === undefined) return '–';
  if (!/^-?\d+(\.\d+)?$/.test(amount)) return amount;
  return moneyFormat(currency).format(amount as `${number}`);
};

/** As the log keeps it: whole minor units of a currency. */
interface MinorUnits {
  readonly minor: number;
  readonly currency: string;
}

const isMinorUnits = (value: object): value is MinorUnits =>
  'minor' in value && 'currency' in value && Number.isSafeInteger(value.minor);

const moneyOfMinorUnits = ({ minor, currency }: MinorUnits): string => {
  const decimals = moneyFormat(currency).resolvedOptions().maximumFractionDigits ?? 2;
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const sign = minor < 0 ? '-' : '';
  return money(decimals === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-decimals)}`, currency);
};

const wholeNumber = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export const count = (value: number): string => wholeNumber.format(value);

const sizes = ['bytes', 'KB', 'MB', 'GB', 'TB'];

/** A size of a file, `1.4 MB`, in steps of a thousand. */
export const bytes = (value: number): string => {
  const step = Math.min(sizes.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  return `${step === 0 ? value : (value / 1000 ** step).toFixed(1)} ${sizes[step]}`;
};

const two = (value: number): string => String(value).padStart(2, '0');

const local = (at: Date): string => {
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
};

/** How far the reader's clocks are from UTC at that moment: `+01:00`, or `UTC` where they are not. */
const zone = (at: Date): string => {
  const ahead = -at.getTimezoneOffset();
  if (ahead === 0) return 'UTC';
  const far = Math.abs(ahead);
  return `${ahead < 0 ? '-' : '+'}${two(Math.floor(far / 60))}:${two(far % 60)}`;
};

/** The reader's time and its zone, `2026-11-24 01:54:23 +01:00`: sorts in the eye as it does in a list. */
export const moment = (timestamp: string): string => {
  const at = new Date(timestamp);
  return Number.isNaN(at.getTime()) ? timestamp : `${local(at)} ${zone(at)}`;
};

/** What a `datetime-local` input holds, in local time, as the API's UTC; undefined when it holds none. */
export const utcOf = (local: string): string | undefined => {
  const at = new Date(local);
  return local === '' || Number.isNaN(at.getTime()) ? undefined : at.toISOString();
};

export const localOf = (timestamp: string): string => {
  const at = new Date(timestamp);
  return Number.isNaN(at.getTime()) ? '' : local(at).replace(' ', 'T');
};

export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
};

/** `monthlyCharges` → `Monthly charges`, `suspend-account` → `Suspend account`. */
export const words = (name: string): string => {
  const spaced = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[-_]/g, ' ')
    .toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

export const plainValue = (value: unknown): string => {
  if (value === undefined || value === null || value === '') return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return timestamp.test(value) ? moment(value) : value;
  if (typeof value === 'object' && isMinorUnits(value)) return moneyOfMinorUnits(value);
  if (typeof value === 'object') return Object.keys(value).length === 0 ? '–' : JSON.stringify(value);
  return String(value);
};
