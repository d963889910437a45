/**
 * What is left of a body that was answered before its end: an upload refused at its third line, a form
 * nobody asked for. It is read and dropped, because the connection's next request stands behind it
 * (node drops a body by itself only where nobody has begun to read it). Up to a bound: whoever goes on
 * sending after it loses the connection.
 */
import type { Request } from 'express';
import type { OnEnded } from './step.ts';

const droppedBytesMax = 16 * 1024 * 1024;
const droppingMsMax = 10_000;

export const dropLeftover: OnEnded = (request) => {
  if (!request.complete && !request.destroyed) drop(request);
};

const drop = (request: Request): void => {
  let dropped = 0;
  const cut = () => request.socket.destroy();
  const late = setTimeout(cut, droppingMsMax);
  request.on('data', (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > droppedBytesMax) cut();
  });
  request.once('close', () => clearTimeout(late));
  request.on('error', () => undefined);
  request.resume();
};
