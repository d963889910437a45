/** The process's own log keeps credentials out, wherever they stand in what is logged. */
import { PassThrough } from 'node:stream';
import { createLogger } from '../../src/http/log.ts';

test('credentials are replaced at the top and three levels down, also in what an error carries', () => {
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
  const asked = Object.assign(new Error('refused'), {
    config: { headers, body: { client_secret: 's3cret' } },
  });
  log.error({ err: asked, form: { refresh_token: 's3cret', code_verifier: 's3cret' } }, 'failed');
  const lines = String(out.read());
  expect(lines).not.toContain('s3cret');
  const [line = ''] = lines.split('\n');
  expect(JSON.parse(line)).toMatchObject({ msg: 'said', headers: { accept: '*/*', cookie: '[redacted]' } });
});
