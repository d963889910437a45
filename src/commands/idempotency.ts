/**
 * Idempotency: a key is unique per (principal, tool) over all commands and bulk jobs. It is written in
 * the transaction of what it stands for, so there is no moment at which one exists without the other;
 * whoever comes second finds it there and replays the stored answer. Keys and fingerprints are stored
 * as HMACs.
 */
import { createHmac } from 'node:crypto';
import type { Principal } from '../access/principal.ts';
import type { Queryable } from '../db/pool.ts';
import { QuarterdeckError } from '../errors.ts';
import { canonicalJson } from '../events/canonical-json.ts';
import type { EventData } from '../events/definition.ts';
import { forgetOldKeys, selectKey } from './sql/idempotency.ts';

const keptDays = 7;
const waitMsMax = 10_000;

/** What a client sent to make a request repeatable. */
export interface IdempotencyKey {
  readonly key: Buffer;
  readonly fingerprint: Buffer;
}

export interface StoredAnswer {
  readonly answer: EventData;
  readonly firstPosition: number;
}

export interface Idempotency {
  /** `asked` is all that must be alike in a repetition: name, input, `If-Match`, reason. */
  keyFor(principal: Principal, key: string, asked: unknown): IdempotencyKey;
  /** @throws QuarterdeckError `idempotency_key_reused` when the key stood for something else. */
  find(key: IdempotencyKey): Promise<StoredAnswer | undefined>;
  /**
   * Runs `work` while no other work of this process uses the key; a concurrent duplicate waits its turn.
   * @throws QuarterdeckError `idempotency_in_flight` after ten seconds of waiting.
   */
  inTurn<T>(key: IdempotencyKey, work: () => Promise<T>): Promise<T>;
  /** Forgets keys older than a week; to be called now and then. */
  forgetOld(): Promise<void>;
}

export const createIdempotency = (db: Queryable, hmacKey: Buffer): Idempotency => {
  const inFlight = new Map<string, Promise<unknown>>();
  const hmac = (purpose: string, text: string): Buffer =>
    createHmac('sha256', hmacKey).update(`${purpose}\n`).update(text).digest();

  const waitFor = async (id: string): Promise<void> => {
    const deadline = Date.now() + waitMsMax;
    for (let work = inFlight.get(id); work !== undefined; work = inFlight.get(id)) {
      let timer: NodeJS.Timeout | undefined;
      const timedOut = new Promise<true>((resolve) => {
        timer = setTimeout(() => resolve(true), Math.max(0, deadline - Date.now()));
      });
      const late = await Promise.race([
        work.then(
          () => false,
          () => false,
        ),
        timedOut,
      ]);
      clearTimeout(timer);
      if (late) {
        throw new QuarterdeckError(
          'idempotency_in_flight',
          'A request with this idempotency key is still under way.',
          {
            retryAfterSeconds: 5,
          },
        );
      }
    }
  };

  return {
    keyFor: (principal, key, asked) => ({
      key: hmac('key', JSON.stringify([principal.id, principal.tool, key])),
      fingerprint: hmac('fingerprint', canonicalJson(asked)),
    }),
    async find({ key, fingerprint }) {
      const { rows } = await db.query<StoredAnswer & { fingerprint: Buffer }>({
        ...selectKey,
        values: [key],
      });
      const found = rows[0];
      if (found === undefined) return undefined;
      if (!found.fingerprint.equals(fingerprint)) {
        throw new QuarterdeckError(
          'idempotency_key_reused',
          'This idempotency key was used for another request: use a new key for each thing you want done.',
        );
      }
      return found;
    },
    async inTurn({ key }, work) {
      const id = key.toString('latin1');
      await waitFor(id);
      const result = work();
      inFlight.set(id, result);
      try {
        return await result;
      } finally {
        inFlight.delete(id);
      }
    },
    async forgetOld() {
      await db.query({ ...forgetOldKeys, values: [keptDays] });
    },
  };
};
