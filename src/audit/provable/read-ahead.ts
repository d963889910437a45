/**
 * Reads the next page while the one before is written, so that the database and this process work beside each
 * other. Holds two pages at most; what was read ahead is let go where nobody asks for it.
 */
export async function* readAhead<Asked, Page>(
  asked: Iterable<Asked>,
  read: (one: Asked) => Promise<Page>,
): AsyncGenerator<Page> {
  let next: Promise<Page> | undefined;
  for (const one of asked) {
    const page = next;
    next = read(one);
    // It is waited for in its turn; until then its failure is nobody's.
    next.catch(() => undefined);
    if (page !== undefined) yield await page;
  }
  if (next !== undefined) yield await next;
}
