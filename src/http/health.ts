/**
 * `/livez`: the process answers. `/readyz`: it can do its work, else 503 with what is missing. What is
 * checked comes in as a list of named checks; a check that throws or does not end in time counts as
 * missing. Being behind is no fault as long as it goes forward: that is for the check to judge. A warning is
 * told and makes nothing unready: no other process could do better.
 */
import type { RequestHandler } from 'express';
import { isQuarterdeckError } from '../errors.ts';
import { sendJson } from './answer.ts';

export interface HealthCheck {
  readonly name: string;
  /** What is missing, in a sentence for an operator; undefined when all is well. */
  readonly missing: () => Promise<string | undefined>;
  /** The process can do its work all the same. */
  readonly warns?: true;
}

const checkTimeoutMs = 5_000;

export const livez: RequestHandler = (_request, response) => {
  response.setHeader('Cache-Control', 'no-store');
  sendJson(response, { status: 'alive' });
};

export const readyz =
  (checks: readonly HealthCheck[]): RequestHandler =>
  async (_request, response) => {
    const results = await judgeAll(checks);
    const missing = results.flatMap(({ name, warns, told }) =>
      told === undefined || warns ? [] : [{ name, missing: told }],
    );
    const warnings = results.flatMap(({ name, warns, told }) =>
      told === undefined || !warns ? [] : [{ name, warning: told }],
    );
    response.setHeader('Cache-Control', 'no-store');
    if (missing.length > 0) response.setHeader('Retry-After', '1');
    const status = missing.length === 0 ? 'ready' : 'not ready';
    sendJson(
      response,
      { status, checks: results.map(({ name }) => name), missing, warnings },
      missing.length === 0 ? 200 : 503,
    );
  };

const judgeAll = (checks: readonly HealthCheck[]) =>
  Promise.all(
    checks.map(async (check) => ({
      name: check.name,
      warns: check.warns === true,
      told: await judge(check),
    })),
  );

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
