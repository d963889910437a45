/**
 * Remembers in which chunk a target was last seen, in about 16 bytes a target, so that a chunk can wait
 * for an earlier one with a target in common. Targets are told apart by a 32-bit hash: two that share
 * one cost a needless wait, never an order.
 */
const emptyLoad = 0.5;

/** FNV-1a over UTF-16 code units. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
};

export interface Repeats {
  /** The last chunk before this one that held the target; undefined where none did. */
  seen(target: string, chunk: number): number | undefined;
}

export const createRepeats = (): Repeats => {
  let capacity = 1024;
  let hashes = new Int32Array(capacity);
  /** Chunk + 1; 0 is a free place. */
  let chunks = new Int32Array(capacity);
  let used = 0;

  const placeOf = (hash: number): number => {
    let place = (hash >>> 0) % capacity;
    while (chunks[place] !== 0 && hashes[place] !== hash) place = (place + 1) % capacity;
    return place;
  };

  const grow = (): void => {
    const [oldHashes, oldChunks] = [hashes, chunks];
    capacity *= 2;
    hashes = new Int32Array(capacity);
    chunks = new Int32Array(capacity);
    oldChunks.forEach((chunk, i) => {
      if (chunk === 0) return;
      const place = placeOf(oldHashes[i] as number);
      hashes[place] = oldHashes[i] as number;
      chunks[place] = chunk;
    });
  };

  return {
    seen(target, chunk) {
      if (used > capacity * emptyLoad) grow();
      const hash = hashOf(target);
      const place = placeOf(hash);
      const before = (chunks[place] as number) - 1;
      if (before < 0) used++;
      hashes[place] = hash;
      chunks[place] = chunk + 1;
      return before >= 0 && before < chunk ? before : undefined;
    },
  };
};
