/** The process's own log keeps credentials out, wherever they stand in what is logged. */
import { PassThrough } from 'node:stream';
import { createLogger } from '../../src/http/log.ts';

test('credentials are replaced at the top and two levels down', () => {
  const out = new PassThrough();
  const log = createLogger({ destination: out });
  const headers = {
    cookie: 'quarterdeck=s3cret',
    authorization: 'Bearer s3cret',
    'set-cookie': ['s3cret'],
    accept: '*/*',
  };
  log.info(
    { headers, req: { headers }, body: { SAMLResponse: 's3cret' }, SAMLResponse: 's3cret', cookie: 's3cret' },
    'said',
  );
  const line = String(out.read());
  expect(line).not.toContain('s3cret');
  expect(JSON.parse(line)).toMatchObject({ msg: 'said', headers: { accept: '*/*', cookie: '[redacted]' } });
});
