/**
 * The product's side of an observation: takes what stands in its outbox, in order, and reports it as commands of
 * its service account. Reported twice it takes effect once: the key is the id that it has in the outbox.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CryptoKey, SignJWT } from 'jose';
import type pg from 'pg';
import { productTool } from './in-step.ts';

interface Observation {
  readonly number: string;
  readonly id: string;
  readonly command: string;
  readonly input: object;
}

interface Options {
  readonly pool: pg.Pool;
  readonly quarterdeckUrl: string;
  readonly privateKey: CryptoKey;
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
}

const togetherMax = 100;

export const startReporter = ({ pool, quarterdeckUrl, privateKey, onError, everyMs = 500 }: Options) => {
  const stopping = new AbortController();
  let token: { readonly text: string; readonly until: number } | undefined;

  /** The service proves itself with its key (RFC 7523); a token lives ten minutes. */
  const signIn = async (): Promise<string> => {
    if (token !== undefined && token.until > Date.now()) return token.text;
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(productTool)
      .setSubject(productTool)
      .setAudience(`${quarterdeckUrl}/auth/oidc`)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
    const answer = await fetch(`${quarterdeckUrl}/auth/oidc/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      }),
    });
    if (!answer.ok) throw new Error(`signing in was answered ${answer.status}`);
    const { access_token: text, expires_in: seconds } = (await answer.json()) as {
      access_token: string;
      expires_in: number;
    };
    token = { text, until: Date.now() + (seconds - 30) * 1_000 };
    return text;
  };

  const report = async ({ number, id, command, input }: Observation): Promise<void> => {
    const answer = await fetch(`${quarterdeckUrl}/internal/v1/commands/${command}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await signIn()}`,
        'content-type': 'application/json',
        'idempotency-key': id,
      },
      body: JSON.stringify(input),
    });
    // A rule said no, or there is no such account: that is told to people by the reconciliation.
    const final = answer.ok || [404, 409, 422].includes(answer.status);
    if (!final) throw new Error(`${command} was answered ${answer.status}`);
    const refusal = answer.ok ? null : await answer.text();
    await pool.query('UPDATE outbox SET reported_at = now(), refusal = $2 WHERE number = $1', [
      number,
      refusal,
    ]);
  };

  const reportAll = async (): Promise<void> => {
    const { rows } = await pool.query<Observation>(
      'SELECT number, id, command, input FROM outbox WHERE reported_at IS NULL ORDER BY number LIMIT $1',
      [togetherMax],
    );
    for (const one of rows) await report(one);
  };

  const running = (async () => {
    while (!stopping.signal.aborted) {
      await reportAll().catch(onError);
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();

  return {
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
};
