/**
 * `/livez`: the process answers. `/readyz`: it can do its work, else 503 with what is missing. What is
 * checked comes in as a list of named checks. Being behind is no fault as long as it goes forward: that is for
 * the check to judge. Being busy is none either: a check that waits its turn behind much work was well a moment
 * ago, and who takes a busy process out of service makes the others busier. A warning is told and makes nothing
 * unready: no other process could do better.
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
  /** Made good by itself, and done without meanwhile: told only once it has lasted. */
  readonly passes?: true;
}

/** Shorter than the patience of most probes. */
const lateMs = 1_000;
/** For so long after a check was well, its lateness is the load's doing. */
const patienceMs = 30_000;

export const livez: RequestHandler = (_request, response) => {
  response.setHeader('Cache-Control', 'no-store');
  sendJson(response, { status: 'alive' });
};

export const readyz = (checks: readonly HealthCheck[]): RequestHandler => {
  const judged = checks.map((check) => ({ check, name: check.name, judge: judging(check) }));
  return async (_request, response) => {
    const found = await Promise.all(
      judged.map(async ({ check, name, judge }) => ({ check, name, missing: await judge() })),
    );
    const told = (warns: boolean) =>
      found.filter(({ check, missing }) => missing !== undefined && (check.warns === true) === warns);
    const missing = told(false).map(({ name, missing: what }) => ({ name, missing: what }));
    const warnings = told(true).map(({ name, missing: warning }) => ({ name, warning }));
    response.setHeader('Cache-Control', 'no-store');
    if (missing.length > 0) response.setHeader('Retry-After', '1');
    const status = missing.length === 0 ? 'ready' : 'not ready';
    sendJson(
      response,
      { status, checks: checks.map(({ name }) => name), missing, warnings },
      missing.length === 0 ? 200 : 503,
    );
  };
};

/** What is missing now by one check, which is made once for all who ask while it lasts. `now`: milliseconds. */
export const judging = (
  check: HealthCheck,
  now: () => number = () => performance.now(),
): (() => Promise<string | undefined>) => {
  let wellAt = Number.NEGATIVE_INFINITY;
  let underWay: Promise<string | undefined> | undefined;
  const lately = (): boolean => now() - wellAt < patienceMs;

  const look = async (): Promise<string | undefined> => {
    const missing = await whatIsMissing(check);
    if (missing === undefined) wellAt = now();
    return check.passes === true && lately() ? undefined : missing;
  };

  return async () => {
    underWay ??= look().finally(() => {
      underWay = undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string | undefined>((resolve) => {
      timer = setTimeout(
        () => resolve(lately() ? undefined : `no answer within ${lateMs / 1_000} s`),
        lateMs,
      );
    });
    return Promise.race([underWay, late]).finally(() => clearTimeout(timer));
  };
};

/** The words of an unknown fault may hold hosts and roles, so they stay off the wire. */
const whatIsMissing = async ({ missing }: HealthCheck): Promise<string | undefined> => {
  try {
    return await missing();
  } catch (error) {
    return isQuarterdeckError(error) ? error.message : 'the check failed; see the log of the process';
  }
};
