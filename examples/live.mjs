// Live updates in Node.js, with socket.io's own client (npm install socket.io-client).
//
//   QUARTERDECK_TOKEN=… node examples/live.mjs http://127.0.0.1:7400 accounts/demo-0001
//
// A token lives ten minutes and its socket with it: a tool that goes on gets a fresh one in `auth`, which is asked
// at each connection, and subscribes again each time it connects.
import { io } from 'socket.io-client';

const [base = 'http://127.0.0.1:7400', topic = 'system'] = process.argv.slice(2);

const socket = io(base, {
  path: '/internal/live',
  auth: (send) => send({ token: process.env.QUARTERDECK_TOKEN }),
});

socket.on('connect', async () => {
  const answer = await socket.emitWithAck('subscribe', { topic });
  if (!answer.ok) {
    console.error(`${answer.code}: ${answer.detail}`);
    socket.disconnect();
    process.exitCode = 1;
    return;
  }
  // What is so now; then every update with data of the same shape. `seq` is a position of the log.
  console.log('snapshot', answer.seq, JSON.stringify(answer.snapshot));
});
socket.on('update', ({ seq, data }) => console.log('update', seq, JSON.stringify(data)));
// The rights changed: subscribe again to be told what one may see now.
socket.on('ended', ({ topic: ended, code }) => console.error(`${ended} ended: ${code}`));
// A refusal says why in `data` and is final; whatever else is wrong is tried again by the client itself.
socket.on('connect_error', (error) => {
  console.error(error.data?.code ?? error.message);
  if (error.data !== undefined) {
    socket.disconnect();
    process.exitCode = 1;
  }
});
