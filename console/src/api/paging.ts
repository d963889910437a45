/** Keyset pages: the next one is named by the last one's cursor; none means the end. */
import type { Page } from './types.ts';

export const nextCursor = (last: Page<unknown>): string | undefined =>
  last.nextCursor === undefined || last.nextCursor === null ? undefined : String(last.nextCursor);

export const rowsOf = <Row>(data: { readonly pages: readonly Page<Row>[] } | undefined): readonly Row[] =>
  data === undefined ? [] : data.pages.flatMap((page) => page.data);
