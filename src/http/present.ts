/** Optional fields the engine's way: absent rather than undefined. */
type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

export const present = <T extends object>(fields: T): Present<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
