/**
 * Where we are: the address bar is the only state of navigation, filters and sort included, so that any
 * view can be bookmarked and sent to a colleague.
 */
import { useMemo, useSyncExternalStore } from 'react';

export interface Place {
  readonly pathname: string;
  readonly search: URLSearchParams;
}

const watchers = new Set<() => void>();

const announce = (): void => {
  for (const watcher of watchers) watcher();
};

const watch = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  window.addEventListener('popstate', watcher);
  return () => {
    watchers.delete(watcher);
    window.removeEventListener('popstate', watcher);
  };
};

const current = (): string => window.location.pathname + window.location.search;

/** `replace` for changes of a filter, which should not each need a press of the back button. */
export const navigate = (to: string, { replace = false } = {}): void => {
  if (to === current()) return;
  if (replace) window.history.replaceState(null, '', to);
  else window.history.pushState(null, '', to);
  if (!replace) window.scrollTo(0, 0);
  announce();
};

export const usePlace = (): Place => {
  const href = useSyncExternalStore(watch, current);
  return useMemo(() => placeOf(href), [href]);
};

const placeOf = (href: string): Place => {
  const [pathname = '/', search = ''] = href.split('?', 2);
  return { pathname, search: new URLSearchParams(search) };
};

/** The present page with these words of its query replaced; an empty value removes its word. */
export const setSearch = (changes: Readonly<Record<string, string | undefined>>): void => {
  const search = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') search.delete(name);
    else search.set(name, value);
  }
  const text = search.toString();
  navigate(window.location.pathname + (text === '' ? '' : `?${text}`), { replace: true });
};
