/**
 * The process's own log (pino, one JSON object a line), and the line that each request leaves in it. It
 * holds no query string, no header and no odd part of a path: they may carry personal data or credentials.
 * What slips into a logged object under a name that is known to be secret is replaced.
 */
import { type Logger, pino } from 'pino';
import { toldPath } from '../access/told-path.ts';
import { correlationOf } from './correlation.ts';
import type { OnEnded } from './step.ts';

const secrets = [
  'cookie',
  'authorization',
  'set-cookie',
  'x-api-key',
  'SAMLResponse',
  'SAMLRequest',
  'RelayState',
  'password',
  'proxy-authorization',
  'access_token',
  'refresh_token',
  'id_token',
  'client_secret',
  'client_assertion',
  'code_verifier',
  'device_code',
  'subject_token',
  'token',
  'secret',
  'privateKey',
  'connectionString',
];

/** Names at the top and up to three levels down; bracketed because of the dashes. */
const redactions = secrets.flatMap((name) => ['', '*', '*.*', '*.*.*'].map((above) => `${above}["${name}"]`));

export const createLogger = (
  options: { readonly level?: string; readonly destination?: NodeJS.WritableStream } = {},
): Logger => {
  const settings = { level: options.level ?? 'info', redact: { paths: redactions, censor: '[redacted]' } };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
};

export const requestLog = (parent: Logger): OnEnded => {
  // These lines hold nothing to redact, and looking for it took a tenth of a request's time.
  const log = parent.child({}, { redact: [] });
  return (request, response, durationMs) => {
    if (!log.isLevelEnabled('info')) return;
    const principal = response.locals.principal as { id: string; tool: string } | undefined;
    log.info(
      {
        ...correlationOf(response),
        method: request.method,
        route: response.locals.route,
        path: toldPath(request.originalUrl),
        status: response.statusCode,
        code: response.locals.code,
        durationMs: Math.round(durationMs * 100) / 100,
        principal: principal?.id,
        tool: principal?.tool,
        aborted: response.writableFinished ? undefined : true,
      },
      'request',
    );
  };
};
