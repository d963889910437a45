/**
 * `npm run demo:product`: Quarterdeck and a product with a database of its own, kept in step both ways. Opens some
 * accounts, changes them on either side, and says what one can try.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbedded, systemPrincipal } from '../../src/index.ts';
import { openInstallation } from './installation.ts';

const dataDir = process.env.QUARTERDECK_DATA_DIR ?? '.quarterdeck-product';
const port = Number(process.env.QUARTERDECK_PORT ?? 7400);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const postgres = await startEmbedded({ dataDir, log: say });
const installation = await openInstallation({ servers: postgres, dataDir, port, say, console: true });
const { url, product, engine } = installation;

const account = (n: number) => ({
  accountId: `ACC-${String(n).padStart(4, '0')}`,
  plan: 'Team',
  contract: 'one-year',
  tenureMonths: n,
  monthlyCharges: '79.00',
  totalCharges: '79.00',
});

/** Once: opened again they would only be refused. */
for (let n = 1; n <= 20; n++)
  await engine.commands
    .execute({ name: 'open-account', input: account(n), principal: systemPrincipal })
    .catch(() => undefined);

await sleep(2_000);
await fetch(`${product.url}/accounts/ACC-0001/suspend`, { method: 'POST' });
await installation.productPool.query(`UPDATE accounts SET plan = 'Lost' WHERE id = 'ACC-0002'`);

say(`Quarterdeck is ready at ${url}`);
say(`The product is at ${product.url}/accounts, with a database of its own.`);
say('Suspend an account here and it is suspended there:      POST /internal/v1/commands/suspend-account');
say(
  `Suspend one there and it is here, as service:product:    curl -X POST ${product.url}/accounts/ACC-0003/suspend`,
);
say(
  'ACC-0002 was changed there behind everybody’s back:      POST /internal/v1/reconciliations/product-accounts/run',
);
say(
  'What differs:                                            GET /internal/v1/reconciliations/product-accounts/differences',
);
say('Sign in as ops@dev.test or admin@dev.test.');

const end = async (): Promise<void> => {
  await installation.close();
  await postgres.stop();
  process.exit(0);
};
process.once('SIGINT', () => void end());
process.once('SIGTERM', () => void end());
