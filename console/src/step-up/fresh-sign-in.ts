/**
 * A sign-in that must be made anew before the server does what was asked. It happens in a tab of its own, so
 * that a half-filled form stays; that tab tells the others when it is back.
 */
import { useSyncExternalStore } from 'react';

export interface Waiting {
  /** Says why, in the server's words. */
  readonly why: string;
  readonly settle: (signedIn: boolean) => void;
}

const channelName = 'quarterdeck-signed-in';

/** Where the tab comes back to. */
export const backPath = '/signed-in-again';
export const freshSignInUrl = `/auth/saml/login?force=true&return_to=${encodeURIComponent(backPath)}`;

let waiting: Waiting | undefined;
const watchers = new Set<() => void>();

const become = (next: Waiting | undefined): void => {
  waiting = next;
  for (const watcher of watchers) watcher();
};

/** Resolves when the person has signed in once more, or does not want to: false. */
export const freshSignIn = (why: string): Promise<boolean> =>
  new Promise((resolve) => {
    waiting?.settle(false);
    const settle = (signedIn: boolean): void => {
      become(undefined);
      resolve(signedIn);
    };
    become({ why, settle });
  });

/** Meanwhile one session ends and another begins: being nobody for a moment is no signing out. */
export const isSigningInAgain = (): boolean => waiting !== undefined;

export const useWaiting = (): Waiting | undefined =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => waiting,
  );

/** Said by the tab that is back: who signed in there. */
export const announceSignIn = (principalId: string): void => {
  const channel = new BroadcastChannel(channelName);
  channel.postMessage(principalId);
  channel.close();
};

/** Told of each sign-in in another tab; stops with the function that it gives back. */
export const onSignedIn = (listener: (principalId: string) => void): (() => void) => {
  const channel = new BroadcastChannel(channelName);
  channel.onmessage = ({ data }) => listener(String(data));
  return () => channel.close();
};
