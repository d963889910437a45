/**
 * One socket for all live topics. A topic is subscribed to while somebody listens, again after every
 * reconnect, and an update older than what was already seen is dropped. `status` tells screens
 * whether to trust the socket or to poll.
 */
import { io, type Socket } from 'socket.io-client';

export type LiveStatus = 'connecting' | 'live' | 'offline';
type Listener = (data: unknown) => void;

interface Update {
  readonly topic: string;
  readonly seq: number;
  readonly data: unknown;
}

interface Acknowledgement {
  readonly ok: boolean;
  readonly snapshot?: unknown;
  readonly seq?: number;
}

interface Topic {
  seq: number;
  refused: boolean;
  readonly listeners: Set<Listener>;
}

const retryMs = 5_000;

const topics = new Map<string, Topic>();
const watchers = new Set<() => void>();
let status: LiveStatus = 'connecting';
let socket: Socket | undefined;

export const liveStatus = (): LiveStatus => status;

/** Whether the page follows anything at all. */
export const isFollowing = (): boolean => topics.size > 0;

/** True while updates of this topic arrive by themselves. */
export const isLive = (topic: string): boolean => status === 'live' && topics.get(topic)?.refused === false;

export const watchLive = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

export const connectLive = (): (() => void) => {
  const opened = io({ path: '/internal/live', transports: ['websocket', 'polling'] });
  socket = opened;
  opened.on('connect', () => {
    become('live');
    for (const name of topics.keys()) subscribe(name);
  });
  opened.on('update', receive);
  // The server took a topic away because our rights changed: the answer to asking again tells what is left.
  opened.on('ended', ({ topic }: { readonly topic: string }) => subscribe(topic));
  opened.on('disconnect', () => lost(opened));
  opened.on('connect_error', () => lost(opened));
  return () => {
    socket = undefined;
    opened.disconnect();
    become('connecting');
  };
};

export const listen = (name: string, listener: Listener): (() => void) => {
  const topic = topics.get(name) ?? { seq: -1, refused: false, listeners: new Set<Listener>() };
  const isNew = !topics.has(name);
  topics.set(name, topic);
  topic.listeners.add(listener);
  if (isNew && status === 'live') subscribe(name);
  if (isNew) announce();
  return () => {
    topic.listeners.delete(listener);
    if (topic.listeners.size > 0) return;
    topics.delete(name);
    socket?.emit('unsubscribe', { topic: name });
    announce();
  };
};

const subscribe = (name: string): void => {
  if (!topics.has(name)) return;
  socket?.emit('subscribe', { topic: name }, (ack: Acknowledgement) => {
    const topic = topics.get(name);
    if (topic === undefined) return;
    topic.refused = !ack.ok;
    if (ack.ok) receive({ topic: name, seq: ack.seq ?? 0, data: ack.snapshot });
    announce();
  });
};

const receive = ({ topic: name, seq, data }: Update): void => {
  const topic = topics.get(name);
  if (topic === undefined || seq < topic.seq || data === undefined || data === null) return;
  topic.seq = seq;
  for (const listener of topic.listeners) listener(data);
};

/** socket.io retries lost connections but not refused ones (`active` is false then). */
const lost = (opened: Socket): void => {
  become('offline');
  if (opened.active) return;
  setTimeout(() => {
    if (socket === opened && !opened.connected) opened.connect();
  }, retryMs);
};

const become = (next: LiveStatus): void => {
  status = next;
  announce();
};

const announce = (): void => {
  for (const watcher of watchers) watcher();
};
