/**
 * The product, as small as one can be: a service with accounts of its own. It is told of what was decided in
 * Quarterdeck, and people change things in it by itself, which it writes into its outbox.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import { Webhook } from 'standardwebhooks';

export interface ProductAccount {
  readonly id: string;
  readonly status: string;
  readonly plan: string;
}

export interface Product {
  readonly url: string;
  /** Signs what arrives by webhook. */
  expectWebhooks(secret: string): void;
  close(): Promise<void>;
}

const bodyBytesMax = 1_000_000;

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const inTransaction = async <T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
};

/** What was decided in Quarterdeck, once an event; 404 where the product has no such account. */
const apply = (
  pool: pg.Pool,
  id: string,
  eventId: string,
  change: { readonly status?: string; readonly plan?: string; readonly open?: boolean },
): Promise<number> =>
  inTransaction(pool, async (client) => {
    const fresh = await client.query('INSERT INTO applied (event_id) VALUES ($1) ON CONFLICT DO NOTHING', [
      eventId,
    ]);
    if (fresh.rowCount === 0) return 200;
    const { status = null, plan = null, open = false } = change;
    const changed = open
      ? await client.query(
          `INSERT INTO accounts (id, status, plan) VALUES ($1, 'active', $2) ON CONFLICT DO NOTHING`,
          [id, plan],
        )
      : await client.query(
          'UPDATE accounts SET status = coalesce($2, status), plan = coalesce($3, plan) WHERE id = $1',
          [id, status, plan],
        );
    return open || changed.rowCount === 1 ? 200 : 404;
  });

/** What somebody does in the product itself: the change and the report of it, both or neither. */
const doItself = (pool: pg.Pool, id: string, verb: 'suspend' | 'reactivate'): Promise<number> =>
  inTransaction(pool, async (client) => {
    const status = verb === 'suspend' ? 'suspended' : 'active';
    const { rowCount } = await client.query('UPDATE accounts SET status = $2 WHERE id = $1', [id, status]);
    if (rowCount === 0) return 404;
    const input = { accountId: id, ...(verb === 'suspend' ? { reason: 'Suspended in the product.' } : {}) };
    await client.query('INSERT INTO outbox (command, input) VALUES ($1, $2)', [`${verb}-account`, input]);
    return 200;
  });

const list = async (pool: pg.Pool, query: URLSearchParams): Promise<readonly ProductAccount[]> => {
  const ids = query.get('ids')?.split(',') ?? null;
  const { rows } = await pool.query<ProductAccount>(
    `SELECT id, status, plan FROM accounts WHERE id > $1 AND ($2::text[] IS NULL OR id = ANY ($2))
     ORDER BY id LIMIT $3`,
    [query.get('after') ?? '', ids, Number(query.get('limit') ?? 1_000)],
  );
  return rows;
};

export const startProduct = async (pool: pg.Pool, port = 0): Promise<Product> => {
  let secret: string | undefined;

  const hear = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    if (secret === undefined) return answer(response, 503, { error: 'no secret yet' });
    try {
      new Webhook(secret).verify(body, request.headers as Record<string, string>);
    } catch {
      return answer(response, 401, { error: 'not signed by Quarterdeck' });
    }
    const { id, type, subject } = JSON.parse(body) as { id: string; type: string; subject: string };
    await pool.query('INSERT INTO heard VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [id, type, subject]);
    answer(response, 200, {});
  };

  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://product');
    const [, first = '', id = '', verb] = pathname.split('/').map(decodeURIComponent);
    if (request.method === 'POST' && first === 'hooks') return hear(request, response);
    if (first !== 'accounts') return answer(response, 404, { error: 'nothing here' });
    if (request.method === 'GET') return answer(response, 200, await list(pool, searchParams));
    if (request.method === 'PUT') {
      const key = String(request.headers['idempotency-key']);
      const status = await apply(pool, id, key, JSON.parse(await bodyOf(request)));
      return answer(response, status, status === 404 ? { error: 'no such account' } : {});
    }
    if (verb === 'suspend' || verb === 'reactivate')
      return answer(response, await doItself(pool, id, verb), {});
    answer(response, 405, { error: 'not like this' });
  };

  const server: Server = createServer((request, response) => {
    route(request, response).catch(() => answer(response, 500, { error: 'a fault' }));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: listening } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${listening}`,
    expectWebhooks(given) {
      secret = given;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
