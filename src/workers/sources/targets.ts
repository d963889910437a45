/** Ids as a source, given or found by a filter: each becomes the command's target field. */
import type { Origin } from '../../access/origin.ts';
import { invalidInput } from '../../errors.ts';
import type { EventData } from '../../events/definition.ts';
import type { Selecting } from '../ports.ts';
import { batchItems, type Source, type SourceItem } from './source.ts';

const itemsOf = (field: string, keys: readonly string[]): readonly SourceItem[] =>
  keys.map((key) => ({ input: { [field]: key } }));

export async function* targetsSource(
  field: string,
  targets: readonly string[],
): AsyncGenerator<readonly SourceItem[]> {
  for (let from = 0; from < targets.length; from += batchItems) {
    yield itemsOf(field, targets.slice(from, from + batchItems));
  }
}

export interface FilterSource {
  readonly source: Source;
  /** The log position of the whole selection, once it was read. */
  position(): number | undefined;
}

/** Rows of the projection whose key is the command's target field. */
export const filterSource = (
  selecting: Selecting,
  origin: Origin,
  field: string,
  where: EventData,
): FilterSource => {
  const projection = selecting.projections.find(({ keyField }) => keyField === field);
  if (projection === undefined)
    throw invalidInput('where', `No rows have the key "${field}"; give targets instead.`);
  let position: number | undefined;
  const source = async function* () {
    for await (const page of selecting.selectKeys({ ...origin, projection: projection.name, where })) {
      position = page.position;
      yield itemsOf(field, page.keys);
    }
  };
  return { source: source(), position: () => position };
};
