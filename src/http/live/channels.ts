/** All channels of this process: opened by the first subscriber of a topic and view, closed after the last. */
import type { Principal } from '../../access/principal.ts';
import { QuarterdeckError } from '../../errors.ts';
import { type Channel, createChannel } from './channel.ts';
import type { Opened, TopicKind } from './topic.ts';

export interface Channels {
  /** @throws QuarterdeckError not_found, not_permitted. */
  of(topic: string, principal: Principal): Channel;
  /** Closes the channel where nobody listens any more. */
  leave(channel: Channel): void;
  close(): void;
}

interface Entry {
  readonly kind: TopicKind;
  readonly key: string;
  readonly channel: Channel;
}

export const createChannels = (kinds: readonly TopicKind[], onError: (error: unknown) => void): Channels => {
  const byKey = new Map<string, Entry>();
  const byChannel = new Map<Channel, Entry>();

  const stops = kinds.map((kind) =>
    kind.onChange(() => {
      for (const entry of byKey.values()) if (entry.kind === kind) entry.channel.refresh();
    }),
  );
  return {
    of: (topic, principal) => {
      const { kind, opened } = openIn(kinds, topic, principal);
      const key = `${topic}\n${opened.view}`;
      const known = byKey.get(key);
      if (known !== undefined) return known.channel;
      const entry = { kind, key, channel: createChannel(topic, opened.feed(), onError) };
      byKey.set(key, entry);
      byChannel.set(entry.channel, entry);
      return entry.channel;
    },
    leave: (channel) => {
      const entry = byChannel.get(channel);
      if (entry === undefined || !channel.empty) return;
      channel.close();
      byKey.delete(entry.key);
      byChannel.delete(channel);
    },
    close: () => {
      for (const stop of stops) stop();
      for (const channel of byChannel.keys()) channel.close();
    },
  };
};

const openIn = (
  kinds: readonly TopicKind[],
  topic: string,
  principal: Principal,
): { readonly kind: TopicKind; readonly opened: Opened } => {
  for (const kind of kinds) {
    const opened = kind.open(topic, principal);
    if (opened !== undefined) return { kind, opened };
  }
  throw new QuarterdeckError('not_found', 'There is no such topic.');
};
