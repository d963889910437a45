/**
 * How the two are kept in step. Decided in Quarterdeck: an effect, delivered over HTTP with the event's id as
 * idempotency key. Done in the product: an observation, which is a command of its service account with the
 * product's own id as idempotency key. And a reconciliation, which lists what differs all the same.
 */
import { defineEffect, defineReconciliation, type ProductRow } from '../../src/index.ts';
import type { ProductAccount } from './service.ts';

/** The tool that the product signs in as: what it reports is not told to it again. */
export const productTool = 'product';

const changes: Readonly<Record<string, (data: Readonly<Record<string, unknown>>) => object>> = {
  AccountOpened: ({ plan }) => ({ open: true, plan }),
  PlanChanged: ({ plan }) => ({ plan }),
  AccountSuspended: () => ({ status: 'suspended' }),
  AccountReactivated: () => ({ status: 'active' }),
  AccountClosed: () => ({ status: 'closed' }),
};

export const tellProduct = (productUrl: string) =>
  defineEffect({
    name: 'product-accounts',
    summary: 'Makes in the product what was decided here.',
    commands: ['open-account', 'change-plan', 'suspend-account', 'reactivate-account', 'close-account'],
    events: Object.keys(changes),
    except: [`service:${productTool}`],
    deliver: async ({ type, data }, { idempotencyKey, signal }) => {
      const answer = await fetch(`${productUrl}/accounts/${encodeURIComponent(String(data.accountId))}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
        body: JSON.stringify(changes[type]?.(data) ?? {}),
        signal,
      });
      if (answer.status === 404) return { notApplied: 'The product has no such account.' };
      if (!answer.ok) throw new Error(`the product answered ${answer.status}`);
      return 'applied';
    },
  });

const rowOf = ({ id, status, plan }: ProductAccount): ProductRow => ({ accountId: id, status, plan });

export const compareAccounts = (productUrl: string, settleSeconds?: number) => {
  const fetched = async (query: string, signal: AbortSignal): Promise<readonly ProductRow[]> => {
    const answer = await fetch(`${productUrl}/accounts?${query}`, { signal });
    return ((await answer.json()) as ProductAccount[]).map(rowOf);
  };
  return defineReconciliation({
    name: 'product-accounts',
    summary: 'Accounts here beside accounts in the product.',
    projection: 'accounts',
    fields: ['accountId', 'status', 'plan'],
    ...(settleSeconds === undefined ? {} : { settleSeconds }),
    async *rows(signal) {
      for (let after = ''; ; ) {
        const page = await fetched(`limit=1000&after=${encodeURIComponent(after)}`, signal);
        if (page.length === 0) return;
        yield page;
        after = String(page.at(-1)?.accountId);
      }
    },
    find: (keys, signal) => fetched(`ids=${keys.map(encodeURIComponent).join(',')}`, signal),
  });
};
