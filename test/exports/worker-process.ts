/** A worker process to be killed: writes exports of the database and into the place given as JSON until then. */
import { openDesk } from './desk.ts';

const { url, location } = JSON.parse(process.argv[2] ?? '{}') as { url: string; location: string };
const desk = await openDesk({ url, location, duties: { project: false, work: true } });
console.log('working');
setInterval(() => {
  for (const error of desk.errors.slice(-1)) console.error(error);
}, 5_000);
