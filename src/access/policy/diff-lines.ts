/** A JSON Patch (RFC 6902) as lines to read: what is new, what is gone, what is now otherwise. */
import type { Operation } from 'rfc6902';

const signs = { add: '+', remove: '-', replace: '~' } as const;

/** `/roles/support/permissions/2` → `roles.support.permissions.2` */
const dotted = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');

/** `+ roles.support.permissions.2: "billing:read"` */
export const lineOf = (operation: Operation): string => {
  const { op, path } = operation;
  const sign = op === 'add' || op === 'remove' || op === 'replace' ? signs[op] : op;
  return `${sign} ${dotted(path)}${'value' in operation ? `: ${JSON.stringify(operation.value)}` : ''}`;
};
