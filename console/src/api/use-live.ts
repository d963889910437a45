/** Live topics in React: hand each update to `apply`, and say how often to poll instead, if at all. */
import { useEffect, useEffectEvent, useSyncExternalStore } from 'react';
import { isFollowing, isLive, type LiveStatus, listen, liveStatus, watchLive } from './live.ts';

const pollMs = 2_000;

export const useLiveStatus = (): LiveStatus => useSyncExternalStore(watchLive, liveStatus);

export const useIsFollowing = (): boolean => useSyncExternalStore(watchLive, isFollowing);

/** The poll interval for the query that the topic feeds: `false` while the socket delivers. */
export const useLiveTopic = <Data>(topic: string, apply: (data: Data) => void): number | false => {
  const received = useEffectEvent((data: unknown) => apply(data as Data));
  useEffect(() => listen(topic, (data) => received(data)), [topic]);
  return useSyncExternalStore(watchLive, () => isLive(topic)) ? false : pollMs;
};
