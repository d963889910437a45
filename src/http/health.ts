/**
 * `/livez`: the process answers. `/readyz`: it can do its work, else 503 with what is missing. What is
 * checked comes in as a list of named checks; a check that throws or does not end in time counts as
 * missing. Being behind is no fault as long as it goes forward: that is for the check to judge. Notes tell
 * what an operator must know although the process can do its work.
 */
import type { RequestHandler } from 'express';
import { isQuarterdeckError } from '../errors.ts';
import { sendJson } from './answer.ts';

export interface HealthCheck {
  readonly name: string;
  /** What is missing, in a sentence for an operator; undefined when all is well. */
  readonly missing: () => Promise<string | undefined>;
}

const checkTimeoutMs = 5_000;

export const livez: RequestHandler = (_request, response) => {
  response.setHeader('Cache-Control', 'no-store');
  sendJson(response, { status: 'alive' });
};

export const readyz =
  (checks: readonly HealthCheck[], notes: readonly HealthCheck[] = []): RequestHandler =>
  async (_request, response) => {
    const results = await judgeAll(checks);
    const missing = results.filter((result) => result.missing !== undefined);
    const noted = (await judgeAll(notes)).flatMap(({ name, missing: note }) =>
      note === undefined ? [] : [{ name, note }],
    );
    response.setHeader('Cache-Control', 'no-store');
    if (missing.length > 0) response.setHeader('Retry-After', '1');
    const status = missing.length === 0 ? 'ready' : 'not ready';
    sendJson(
      response,
      {
        status,
        checks: results.map(({ name }) => name),
        missing,
        ...(noted.length === 0 ? {} : { notes: noted }),
      },
      missing.length === 0 ? 200 : 503,
    );
  };

const judgeAll = (checks: readonly HealthCheck[]) =>
  Promise.all(checks.map(async (check) => ({ name: check.name, missing: await judge(check) })));

/** The words of an unknown fault may hold hosts and roles, so they stay off the wire. */
const judge = async (check: HealthCheck): Promise<string | undefined> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${checkTimeoutMs / 1000} s`), checkTimeoutMs);
  });
  try {
    return await Promise.race([check.missing(), late]);
  } catch (error) {
    return isQuarterdeckError(error) ? error.message : 'the check failed; see the log of the process';
  } finally {
    clearTimeout(timer);
  }
};
