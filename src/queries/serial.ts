/** Runs pieces of work one after the other, in the order they were given. */
export type Serial = <T>(work: () => Promise<T>) => Promise<T>;

export const createSerial = (): Serial => {
  let tail: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = tail.then(work);
    tail = result.catch(() => undefined);
    return result;
  };
};
