/** Channels on which processes tell each other what to forget. */

/** Payload: the hash of a token in hex, or `*` for every session. */
export const sessionsChannel = 'quarterdeck_sessions';

/** No payload: read `$policy` again. */
export const policyChannel = 'quarterdeck_policy';

/** Payload: what a process let in of tools with a ceiling (`ceilings.ts`). */
export const ceilingsChannel = 'quarterdeck_ceilings';

/** $1 payload. */
export const notifyCeilings = {
  name: 'notify_ceilings',
  text: `SELECT pg_notify('${ceilingsChannel}', $1)`,
} as const;

export const notifyPolicy = {
  name: 'notify_policy',
  text: `SELECT pg_notify('${policyChannel}', '')`,
} as const;

export const notifyAllSessions = {
  name: 'notify_all_sessions',
  text: `SELECT pg_notify('${sessionsChannel}', '*')`,
} as const;
