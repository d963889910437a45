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
const forgottenAtOnce = 10_000;

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
   * Runs `work` while no other work of this process uses the key; concurrent duplicates wait in a row.
   * @throws QuarterdeckError `idempotency_in_flight` after ten seconds of waiting.
   */
  inTurn<T>(key: IdempotencyKey, work: () => Promise<T>): Promise<T>;
  /** Forgets keys older than a week; to be called now and then. */
  forgetOld(): Promise<void>;
}

export const createIdempotency = (db: Queryable, hmacKey: Buffer): Idempotency => {
  /** For each key in use, what the next one with it waits for. */
  const rows = new Map<string, Promise<void>>();
  const hmac = (purpose: string, text: string): Buffer =>
    createHmac('sha256', hmacKey).update(`${purpose}\n`).update(text).digest();

  return {
    keyFor: (principal, key, asked) => ({
      key: hmac('key', JSON.stringify([principal.id, principal.tool, key])),
      fingerprint: hmac('fingerprint', canonicalJson(asked)),
    }),
    async find({ key, fingerprint }) {
      const result = await db.query<StoredAnswer & { fingerprint: Buffer }>({
        ...selectKey,
        values: [key],
      });
      const found = result.rows[0];
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
      const before = rows.get(id);
      let leave: () => void = () => undefined;
      const left = new Promise<void>((resolve) => {
        leave = resolve;
      });
      // Who gives up waiting leaves the row, but those behind still wait for those before.
      const row = Promise.all([before, left]).then(() => {
        if (rows.get(id) === row) rows.delete(id);
      });
      rows.set(id, row);
      try {
        if (before !== undefined) await waitFor(before);
        return await work();
      } finally {
        leave();
      }
    },
    async forgetOld() {
      let forgotten: number | null;
      do {
        ({ rowCount: forgotten } = await db.query({ ...forgetOldKeys, values: [keptDays, forgottenAtOnce] }));
      } while (forgotten === forgottenAtOnce);
    },
  };
};

const waitFor = async (before: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(inFlight()), waitMsMax);
  });
  try {
    await Promise.race([before, late]);
  } finally {
    clearTimeout(timer);
  }
};

const inFlight = (): QuarterdeckError =>
  new QuarterdeckError('idempotency_in_flight', 'A request with this idempotency key is still under way.', {
    retryAfterSeconds: 5,
  });
