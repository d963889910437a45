/** Ids as a source: each becomes the command's target field. */
import { batchItems, type Source, type SourceItem } from './source.ts';

export async function* keysSource(
  field: string,
  keys: AsyncIterable<readonly string[]>,
): Source & AsyncGenerator<readonly SourceItem[]> {
  for await (const page of keys) yield page.map((key) => ({ input: { [field]: key } }));
}

export async function* targetsSource(
  field: string,
  targets: readonly string[],
): Source & AsyncGenerator<readonly SourceItem[]> {
  for (let from = 0; from < targets.length; from += batchItems) {
    yield targets.slice(from, from + batchItems).map((key) => ({ input: { [field]: key } }));
  }
}
