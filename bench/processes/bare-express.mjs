/**
 * The peer of `http`: express 5 with one route that parses the same body with the same zod schema and
 * answers JSON of the same size. No session, no database, no log; in production mode, as express is
 * fastest. The schema is the product's own, from its built code.
 */
import express from 'express';
import { areas } from '#engine/domain/index';

const { input } = areas.flatMap(({ commands }) => commands).find(({ name }) => name === 'change-plan');

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.post('/internal/v1/commands/change-plan', express.json(), (request, response) => {
  const parsed = input.safeParse(request.body);
  if (!parsed.success) {
    response.status(422).json({ code: 'invalid_input' });
    return;
  }
  const { accountId } = parsed.data;
  response.json({
    commandId: '01932f3e-5c1a-7000-8000-000000000001',
    stream: `account-${accountId}`,
    version: 2,
    position: 20001,
    events: [{ type: 'PlanChanged', version: 2, position: 20001 }],
  });
});

let server;

const tasks = {
  open: () =>
    new Promise((resolve) => {
      server = app.listen(0, '127.0.0.1', () => resolve(null));
    }),
  port: async () => server.address().port,
  cpu: async () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
};

process.on('message', ({ task }) => {
  tasks[task]().then((answer) => process.send({ answer }));
});
process.on('disconnect', () => process.exit(0));
