/**
 * What may be told of an address, in the log as in the process's own: not its query, and no segment that can be
 * no name or id of ours, because it may be anybody's e-mail address.
 */
export const toldPath = (url: string): string =>
  (url.split('?', 1)[0] ?? '').replaceAll(/[^/]+/g, (segment) =>
    /^[A-Za-z0-9._$-]{1,100}$/.test(segment) ? segment : '…',
  );
