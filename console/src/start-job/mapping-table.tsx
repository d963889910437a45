/** The table in which columns of a file are given to fields of the command, with a value to check by. */
import { NativeSelect } from '@mantine/core';
import type { Field } from '../form/schema.ts';
import { words } from '../parts/written.ts';
import type { FileHead } from './file-head.ts';
import type { Mapping } from './mapping.ts';

interface MappingTableProps {
  readonly fields: readonly Field[];
  readonly head: FileHead;
  readonly mapping: Mapping;
  readonly onChange: (mapping: Mapping) => void;
}

export const MappingTable = ({ fields, head, mapping, onChange }: MappingTableProps) => (
  <div className="table-frame">
    <table className="table" aria-label="Columns of the file for fields of the command" data-testid="mapping">
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Column of the file</th>
          <th scope="col">First value</th>
        </tr>
      </thead>
      <tbody>
        {fields.map(({ name, required }) => (
          <tr key={name}>
            <th scope="row">
              {words(name)}
              {required ? ' *' : ''}
            </th>
            <td>
              <NativeSelect
                size="xs"
                aria-label={`Column for ${words(name)}`}
                value={mapping[name] ?? ''}
                data={[{ value: '', label: '– none –' }, ...head.columns]}
                onChange={(event) => onChange(changed(mapping, name, event.currentTarget.value))}
                data-testid={`map-${name}`}
              />
            </td>
            <td className="quiet">{head.rows[0]?.[mapping[name] ?? '']?.slice(0, 40) ?? ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

const changed = (mapping: Mapping, field: string, column: string): Mapping => {
  const { [field]: _, ...others } = mapping;
  return column === '' ? others : { ...others, [field]: column };
};
