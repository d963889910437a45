/**
 * What an error of the database says about the transaction it ended. Two questions, asked before any
 * retry: is it proven that nothing was committed (`provesRollback`), or is the outcome unknown
 * (`outcomeUnknown`), so that it must be read before the work is tried again? An error for which
 * neither holds is a fault of the statement and would only recur.
 */

/** Read without `instanceof`: an error of Node's own may come from another realm than this module. */
function fieldOf(error: unknown, name: 'code' | 'severity' | 'constraint' | 'message'): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const value = (error as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}

/** The five-character SQLSTATE of an error that the server sent. */
export function sqlState(error: unknown): string | undefined {
  const code = fieldOf(error, 'code');
  const sentByServer = fieldOf(error, 'severity') !== undefined;
  return sentByServer && code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** The constraint that an integrity violation (class 23) names. */
export const violatedConstraint = (error: unknown): string | undefined =>
  sqlState(error)?.startsWith('23') ? fieldOf(error, 'constraint') : undefined;

/**
 * The server answered and the transaction is gone, or it never let us in; another try may well succeed.
 * 57014 is a cancelled or overlong statement: PostgreSQL holds cancellation off while it commits, so one
 * that reports it has not committed. 25P03 ends a transaction that sat idle, so its COMMIT was never sent.
 */
const rolledBack = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '57014', // query_canceled
  '25P03', // idle_in_transaction_session_timeout
  '53000', // insufficient_resources
  '53100', // disk_full
  '53200', // out_of_memory
  '53300', // too_many_connections
  '57P03', // cannot_connect_now
]);

/** Raised by `connect` and name lookup alone: no statement was sent. */
const neverConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** True when nothing of the transaction was committed and the same work may be retried blindly. */
export function provesRollback(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return rolledBack.has(state);
  if (fieldOf(error, 'message') === 'timeout exceeded when trying to connect') return true;
  return neverConnected.has(fieldOf(error, 'code') ?? '');
}

/**
 * The server said goodbye, or something between us and it did. 57P01 belongs here: a shutdown may end a
 * session after its commit and before its answer. 40003 is the standard's own word for it.
 */
const goodbyes = new Set(['40003', '57P01', '57P02', '57P04', '57P05', '25P04']);

const brokenSockets = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);

/** What the driver says when a connection ended under it. */
const driverMessages =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout|This socket has been ended)/;

/** True when the connection was lost: whether its transaction committed has to be read back. */
export function outcomeUnknown(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return goodbyes.has(state) || state.startsWith('08');
  if (provesRollback(error)) return false;
  if (brokenSockets.has(fieldOf(error, 'code') ?? '')) return true;
  return driverMessages.test(fieldOf(error, 'message') ?? '');
}
