/**
 * One socket and the topics it listens to. Every message is `{topic}` with an acknowledgement, answered
 * `{ok: true, …}` or `{ok: false, code, detail}`; what cannot be understood is answered too.
 */
import type { Socket } from 'socket.io';
import type { Principal } from '../../access/principal.ts';
import { isQuarterdeckError, QuarterdeckError } from '../../errors.ts';
import { textFault } from '../../events/sound-json.ts';
import type { Channel, Subscriber } from './channel.ts';
import type { Channels } from './channels.ts';

const subscriptionsMax = 100;
const topicCharsMax = 200;
/** A reader this far behind is cut off: it reconnects and starts from a snapshot. */
const waitingPacketsMax = 256;

type OnError = (error: unknown) => void;

/** What may be told of an error. */
export const refusalOf = (error: unknown): { readonly code: string; readonly detail: string } =>
  isQuarterdeckError(error)
    ? { code: error.code, detail: error.message }
    : { code: 'internal', detail: 'Something went wrong.' };

type Acknowledge = (answer: object) => void;

export const serveSocket = (socket: Socket, channels: Channels, onError: OnError): void => {
  const mine = new Map<string, Channel>();
  const subscriber: Subscriber = {
    update: (update) => {
      if (waiting(socket) > waitingPacketsMax) socket.disconnect(true);
      else socket.emit('update', update);
    },
  };
  const leave = (topic: string) => {
    const channel = mine.get(topic);
    mine.delete(topic);
    channel?.unsubscribe(subscriber);
    if (channel !== undefined) channels.leave(channel);
  };
  /** Asked and not answered yet: the same topic asked for over and over is work each time. */
  let underWay = 0;
  const subscribe = async (topic: string, acknowledge: Acknowledge): Promise<void> => {
    if (underWay >= subscriptionsMax || (mine.size >= subscriptionsMax && !mine.has(topic))) {
      throw new QuarterdeckError(
        'too_many_requests',
        `A socket may subscribe to ${subscriptionsMax} topics.`,
      );
    }
    const channel = channels.of(topic, socket.data.principal as Principal);
    leave(topic);
    mine.set(topic, channel);
    underWay++;
    try {
      const subscription = await channel.subscribe(subscriber);
      acknowledge({ ok: true, snapshot: subscription.snapshot.data, seq: subscription.snapshot.seq });
      subscription.started();
      if (!socket.connected) leave(topic);
    } catch (error) {
      leave(topic);
      throw error;
    } finally {
      underWay--;
    }
  };
  socket.data.recheckTopics = () => recheckTopics(socket, mine, channels, leave);
  answering(socket, 'subscribe', onError, subscribe);
  answering(socket, 'unsubscribe', onError, async (topic, acknowledge) => {
    leave(topic);
    acknowledge({ ok: true });
  });
  socket.on('disconnect', () => {
    for (const topic of [...mine.keys()]) leave(topic);
  });
};

const recheckTopics = (
  socket: Socket,
  mine: ReadonlyMap<string, Channel>,
  channels: Channels,
  leave: (topic: string) => void,
): void => {
  for (const [topic, channel] of [...mine]) {
    const now = channelNow(channels, topic, socket.data.principal as Principal);
    if (now === channel) continue;
    // Another view of the topic, or none any more: the client subscribes again and gets what it may see.
    if (now !== undefined) channels.leave(now);
    leave(topic);
    socket.emit('ended', { topic, code: now === undefined ? 'not_permitted' : 'changed' });
  }
};

const channelNow = (channels: Channels, topic: string, principal: Principal): Channel | undefined => {
  try {
    return channels.of(topic, principal);
  } catch {
    return undefined;
  }
};

const answering = (
  socket: Socket,
  event: string,
  onError: OnError,
  handle: (topic: string, acknowledge: Acknowledge) => Promise<void>,
): void => {
  socket.on(event, (message: unknown, ack: unknown) => {
    const acknowledge = typeof ack === 'function' ? (ack as Acknowledge) : () => undefined;
    const refuse = (error: unknown) => {
      if (!isQuarterdeckError(error) || error.code === 'internal') onError(error);
      acknowledge({ ok: false, ...refusalOf(error) });
    };
    const topic = topicIn(message);
    if (topic === undefined) refuse(new QuarterdeckError('invalid_input', 'Send {"topic": "<name>"}.'));
    else handle(topic, acknowledge).catch(refuse);
  });
};

const topicIn = (message: unknown): string | undefined => {
  if (typeof message !== 'object' || message === null || !('topic' in message)) return undefined;
  const { topic } = message;
  if (typeof topic !== 'string' || topic === '' || topic.length > topicCharsMax) return undefined;
  return textFault(topic) === undefined ? topic : undefined;
};

const waiting = (socket: Socket): number =>
  (socket.conn as unknown as { writeBuffer?: unknown[] }).writeBuffer?.length ?? 0;
