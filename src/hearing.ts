/** What a process hears from the others by notifications of the database, and what it does when it was deaf. */
import { createListener, type Listener } from './db/listen.ts';
import { appendedChannel } from './events/appended.ts';
import type { RunningLog } from './events/event-log.ts';
import { type KeyRing, keysChannel } from './events/keys.ts';
import { projectedChannel } from './queries/progress.ts';
import type { ReadSide } from './queries/read-side.ts';
import { type Exports, exportsChannel } from './workers/exports/index.ts';
import { type Bulk, bulkChannel, type Headroom, headroomChannel } from './workers/index.ts';

interface Ears {
  readonly url: string;
  readonly log: RunningLog;
  readonly readSide: ReadSide;
  readonly bulk: Bulk;
  readonly exports: Exports;
  readonly headroom: Headroom;
  readonly keyRing: KeyRing;
  readonly say: (line: string) => void;
}

export const openHearing = ({
  url,
  log,
  readSide,
  bulk,
  exports,
  headroom,
  keyRing,
  say,
}: Ears): Listener => {
  const hear: Readonly<Record<string, (payload: string) => void>> = {
    [appendedChannel]: log.heard,
    [projectedChannel]: readSide.progress.heard,
    [bulkChannel]: bulk.heard,
    [exportsChannel]: exports.heard,
    [headroomChannel]: headroom.heard,
    [keysChannel]: keyRing.forget,
  };
  return createListener({
    url,
    channels: Object.keys(hear),
    onNotification: (channel, payload) => hear[channel]?.(payload),
    onDown: () => keyRing.hearing(false),
    // Whatever was notified while there was no connection is looked for.
    onReconnect: () => {
      keyRing.hearing(true);
      log.heard();
      readSide.progress.heard();
    },
    log: say,
  });
};
