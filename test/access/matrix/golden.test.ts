/**
 * The sample policy, checked in as tables for review. A change of the policy, of a permission or of a route
 * shows as a diff of text; `npm run matrix` writes the tables anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { ask, type Running, startQuarterdeck } from '../../contract/running.ts';
import { type Described, type Document, operationsIn, rolesByPermission, rolesByRoute } from './matrix.ts';

let running: Running;
let operations: readonly Described[];
beforeAll(async () => {
  running = await startQuarterdeck();
  const cookie = await running.cookieOf('support');
  const { body } = await ask(running.base, cookie, { path: '/internal/openapi.json' });
  operations = operationsIn(body as never as Document);
});
afterAll(() => running.stop());

test.each([
  ['role × permission', 'roles-by-permission.txt', rolesByPermission],
  ['role × route', 'roles-by-route.txt', rolesByRoute],
])('%s is as it was reviewed (npm run matrix writes it anew)', (_, file, table) => {
  const reviewed = new URL(file, import.meta.url);
  if (process.env.QUARTERDECK_WRITE_MATRIX === '1') writeFileSync(reviewed, table(operations));
  expect(table(operations)).toBe(readFileSync(reviewed, 'utf8'));
});
