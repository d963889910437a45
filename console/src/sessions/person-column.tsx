/** Whose it is, in lists of everybody's. */
import type { Column } from '../parts/data-table.tsx';
import { Person } from '../parts/person.tsx';

interface Somebodys {
  readonly personId: string;
  readonly email?: string;
  readonly name?: string;
}

export const personColumn: Column<Somebodys> = {
  name: 'person',
  label: 'Person',
  cell: ({ personId, name, email }) => (
    <Person
      actor={{
        id: personId,
        kind: 'person',
        ...(name === undefined ? {} : { name }),
        ...(email === undefined ? {} : { email }),
      }}
    />
  ),
};
