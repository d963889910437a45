/** Quarterdeck with the reference domain, and the product beside it, in one process and on one PostgreSQL server. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { areas } from '../../src/domain/index.ts';
import { createPool, createQuarterdeck, migrate, systemPrincipal } from '../../src/index.ts';
import { openProductDatabase } from './database.ts';
import { compareAccounts, productTool, tellProduct } from './in-step.ts';
import { startReporter } from './reporter.ts';
import { startProduct } from './service.ts';

/** Both databases are on one server here, and know nothing of each other. */
export interface Servers {
  readonly ownerUrl: string;
  readonly applicationUrl: string;
  readonly applicationRole: string;
  readonly superuserUrl: string;
}

interface Options {
  readonly servers: Servers;
  readonly dataDir: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly say: (line: string) => void;
  readonly console?: boolean;
  readonly settleSeconds?: number;
  readonly productDatabase?: string;
}

const webhookId = 'product';

/** The sample policy, and the product's service account with a key of its own. */
const policyWith = async (key: object): Promise<string> => {
  const sample = await readFile(new URL('../../access-policy.yaml', import.meta.url), 'utf8');
  return `${sample}
  ${productTool}:
    kind: service
    name: The product
    scope: [accounts:read, accounts:suspend, accounts:reactivate]
    keys: [${JSON.stringify({ ...key, alg: 'ES256', use: 'sig' })}]
`;
};

export const openInstallation = async ({ servers, dataDir, port, say, settleSeconds, ...more }: Options) => {
  await migrate({ ...servers, queues: true, log: say });
  const pool = createPool({ url: servers.applicationUrl, onError: () => undefined });
  const productPool = await openProductDatabase(servers.superuserUrl, more.productDatabase);
  const product = await startProduct(productPool);
  const { privateKey, publicKey } = await generateKeyPair('ES256');

  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const quarterdeck = await createQuarterdeck({
    areas,
    pool,
    dataDir,
    policy: await policyWith(await exportJWK(publicKey)),
    publicUrl: url,
    environment: 'development',
    effects: [tellProduct(product.url)],
    reconciliations: [compareAccounts(product.url, settleSeconds)],
    webhooks: { networks: ['127.0.0.0/8'], plain: true },
    console: more.console ?? false,
  });
  server.on('request', quarterdeck.app);
  quarterdeck.attach(server);
  await quarterdeck.start();

  const { engine } = quarterdeck;
  const run = (name: string, input: object) =>
    engine.commands.execute({ name, input, principal: systemPrincipal });
  /** Once an installation: its secret is shown once, so a product that was started anew is given the next one. */
  const registerWebhook = async (): Promise<void> => {
    const input = { webhookId, url: `${product.url}/hooks`, events: ['*'] };
    await run('register-webhook', input).catch(async () => {
      await run('change-webhook', input);
      await run('rotate-webhook-secret', { webhookId, overlapHours: 0 });
    });
    const shown = await engine.webhooks?.desk.secret({ principal: systemPrincipal, id: webhookId });
    product.expectWebhooks(shown?.secret ?? '');
  };
  await registerWebhook();
  const reporter = startReporter({
    pool: productPool,
    quarterdeckUrl: url,
    privateKey,
    onError: (error) => say(`The product cannot report: ${String(error)}`),
  });

  return {
    url,
    product,
    productPool,
    engine,
    async close(): Promise<void> {
      await reporter.stop();
      server.closeAllConnections();
      server.close();
      await quarterdeck.stop();
      await product.close();
      await productPool.end();
      await pool.end();
    },
  };
};

export type Installation = Awaited<ReturnType<typeof openInstallation>>;
