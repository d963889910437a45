/** V8's settings that only the command line can make are the same wherever the program is started. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');

test('the image starts the program as `npm start` does', async () => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: { start: string } };
  const entry = /^ENTRYPOINT (.+)$/m.exec(await read('Dockerfile'))?.[1] ?? '[]';
  expect((JSON.parse(entry) as string[]).join(' ')).toBe(scripts.start);
});
