/**
 * A CSV upload (RFC 4180; a BOM, CRLF, LF, blank lines and quoted line breaks are all fine). The first
 * row names the columns. With `map` (`{field: column}`) fields take the columns named there and other
 * columns are ignored; without it columns are fields, and one that is no field is refused.
 */
import { CsvError, type Options, parse } from 'csv-parse';
import { invalidInput, QuarterdeckError } from '../../errors.ts';
import type { EventData } from '../../events/definition.ts';
import { malformedLine, rowTooLarge } from './faults.ts';
import { type Field, readCell } from './fields.ts';
import { batchItems, rowBytesMax, type Source, type SourceItem } from './source.ts';
import { requireUtf8 } from './utf8.ts';

export type ColumnMap = Readonly<Record<string, string>>;

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

interface Binding {
  readonly field: Field;
  readonly column: number;
}

type Fields = ReadonlyMap<string, Field>;

export async function* csvSource(
  content: AsyncIterable<Uint8Array>,
  fields: Fields,
  map: ColumnMap | undefined,
  /** Fields that the job's common input gives to every row. */
  given: readonly string[] = [],
): Source & AsyncGenerator<readonly SourceItem[]> {
  let bindings: readonly Binding[] | undefined;
  let batch: SourceItem[] = [];
  for await (const row of rowsOf(content)) {
    if (bindings === undefined) {
      bindings = bind(row.cells, fields, map);
      requireAll(bindings, fields, given);
      continue;
    }
    batch.push({ line: row.line, input: read(bindings, row.cells) });
    if (batch.length === batchItems) {
      yield batch;
      batch = [];
    }
  }
  if (bindings === undefined) throw malformedLine(1, 'The upload is empty; its first row names the columns.');
  if (batch.length > 0) yield batch;
}

const countOf = (pattern: RegExp, cells: readonly string[]): number =>
  cells.reduce(
    (sum, cell) =>
      sum + (cell.includes('\n') || cell.includes('\r') ? (cell.match(pattern)?.length ?? 0) : 0),
    0,
  );

async function* rowsOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Row> {
  // `lines` is the line at which a row ends, but a CRLF inside quotes counts twice.
  let counted = 0;
  const place = (cells: readonly string[], { lines }: { readonly lines: number }): Row => {
    const line = lines - counted - countOf(/[\r\n]/g, cells);
    counted += countOf(/\r\n/g, cells);
    return { line, cells };
  };
  const parser = parse({
    bom: true,
    skip_empty_lines: true,
    max_record_size: rowBytesMax,
    on_record: place as unknown as NonNullable<Options['on_record']>,
  });
  const feeding = feed(content, parser);
  try {
    yield* parser as AsyncIterable<Row>;
  } catch (error) {
    throw faultOf(error, counted);
  } finally {
    parser.destroy();
    await feeding;
  }
}

/** Ends when everything is written or the parser is gone; an error of the content is the parser's. */
const feed = async (content: AsyncIterable<Uint8Array>, parser: ReturnType<typeof parse>): Promise<void> => {
  try {
    for await (const bytes of requireUtf8(content)) {
      if (parser.destroyed) return;
      if (!parser.write(bytes)) await writable(parser);
    }
    parser.end();
  } catch (error) {
    parser.destroy(error as Error);
  }
};

const writable = (parser: ReturnType<typeof parse>): Promise<void> =>
  new Promise((resolve) => {
    const on = (): void => {
      parser.off('drain', on);
      parser.off('close', on);
      resolve();
    };
    parser.on('drain', on);
    parser.on('close', on);
  });

const remedies: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'A quote is opened and never closed.',
  CSV_INVALID_CLOSING_QUOTE:
    'After a closing quote comes the next column; a quote inside quotes is written twice.',
  CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: 'After a closing quote comes the next column.',
  INVALID_OPENING_QUOTE:
    'A quote stands inside an unquoted cell; put the whole cell in quotes and write the quote twice.',
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH:
    'It has more or fewer columns than the first row; quote cells that hold a comma.',
};

const faultOf = (error: unknown, counted: number): unknown => {
  if (!(error instanceof CsvError)) return error;
  const line = ((error as { lines?: number }).lines ?? 1) - counted;
  if (error.code === 'CSV_MAX_RECORD_SIZE') return rowTooLarge(line);
  return malformedLine(line, remedies[error.code] ?? 'It is not valid CSV.');
};

const bind = (header: readonly string[], fields: Fields, map: ColumnMap | undefined): readonly Binding[] => {
  const columns = header.map((name) => name.trim());
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined)
    throw invalidInput('header', `The column "${twice}" is there twice; name each column once.`);
  return map === undefined ? bindByName(columns, fields) : bindByMap(columns, fields, map);
};

/** A column that no row has would refuse every row with the same words: say it once, for the upload. */
const requireAll = (bindings: readonly Binding[], fields: Fields, given: readonly string[]): void => {
  const there = new Set([...bindings.map(({ field }) => field.name), ...given]);
  const missing = [...fields.values()].filter(({ name, required }) => required && !there.has(name));
  if (missing.length === 0) return;
  throw new QuarterdeckError('invalid_input', 'The upload lacks columns.', {
    errors: missing.map(({ name }) => ({
      path: `header.${name}`,
      message: `There is no column for the field "${name}"; add one, or say with map which column it is.`,
    })),
  });
};

const bindByName = (columns: readonly string[], fields: Fields): Binding[] =>
  columns.map((name, column) => {
    const field = fields.get(name);
    if (field !== undefined) return { field, column };
    throw invalidInput(
      `header.${name}`,
      `There is no field "${name}"; the fields are ${[...fields.keys()].join(', ')}. Rename the column, or say with map which columns to take.`,
    );
  });

const bindByMap = (columns: readonly string[], fields: Fields, map: ColumnMap): Binding[] => {
  const errors: { path: string; message: string }[] = [];
  const bindings = Object.entries(map).flatMap(([name, wanted]) => {
    const field = fields.get(name);
    const column = columns.indexOf(wanted.trim());
    if (field !== undefined && column >= 0) return [{ field, column }];
    errors.push({
      path: `map.${name}`,
      message:
        field === undefined
          ? `There is no field "${name}"; the fields are ${[...fields.keys()].join(', ')}.`
          : `The upload has no column "${wanted}"; its columns are ${columns.join(', ')}.`,
    });
    return [];
  });
  if (errors.length > 0)
    throw new QuarterdeckError('invalid_input', 'The upload does not fit the map.', { errors });
  return bindings;
};

const read = (bindings: readonly Binding[], cells: readonly string[]): EventData => {
  const input: Record<string, unknown> = {};
  for (const { field, column } of bindings) {
    const value = readCell(field, cells[column] ?? '');
    if (value !== undefined) input[field.name] = value;
  }
  return input;
};
