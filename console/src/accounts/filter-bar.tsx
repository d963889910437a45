/** The filters of the account list. Typing waits a moment before it asks the server. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { type AccountFilter, contracts, type FilterWord, statuses } from './account-filter.ts';

interface FilterBarProps {
  readonly filter: AccountFilter;
  readonly onChange: (changes: Readonly<Partial<Record<FilterWord, string>>>) => void;
  readonly onClear: () => void;
}

export const FilterBar = ({ filter, onChange, onClear }: FilterBarProps) => {
  const set = (word: FilterWord) => (value: string) => onChange({ [word]: value });
  const choice = (word: FilterWord, values: readonly string[]) => ({
    value: filter[word] ?? '',
    data: [{ value: '', label: 'any' }, ...values],
    onChange: (event: { currentTarget: { value: string } }) => set(word)(event.currentTarget.value),
  });
  return (
    <search className="filters" aria-label="Filter accounts">
      <Typed
        label="Account id begins"
        value={filter['accountId[prefix]']}
        onType={set('accountId[prefix]')}
      />
      <NativeSelect label="Status" {...choice('status', statuses)} data-testid="filter-status" />
      <NativeSelect label="Contract" {...choice('contract', contracts)} data-testid="filter-contract" />
      <Typed label="Plan" value={filter.plan} onType={set('plan')} />
      <Typed
        label="Monthly from"
        inputMode="decimal"
        value={filter['monthlyCharges[gte]']}
        onType={set('monthlyCharges[gte]')}
      />
      <Typed
        label="Monthly to"
        inputMode="decimal"
        value={filter['monthlyCharges[lte]']}
        onType={set('monthlyCharges[lte]')}
      />
      {Object.keys(filter).length > 0 && (
        <Button variant="subtle" onClick={onClear}>
          Clear
        </Button>
      )}
    </search>
  );
};

interface TypedProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly onType: (value: string) => void;
  readonly inputMode?: 'decimal';
}

const waitMs = 300;

const Typed = ({ value = '', onType, ...rest }: TypedProps) => {
  const [typed, setTyped] = useState(value);
  const tell = useDebouncedCallback(onType, waitMs);
  useEffect(() => setTyped(value), [value]);
  return (
    <TextInput
      {...rest}
      autoComplete="off"
      spellCheck={false}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        tell(event.currentTarget.value.trim());
      }}
      onBlur={() => tell.flush()}
      onKeyDown={(event) => {
        if (event.key !== 'Enter') return;
        // The bar may stand in a form that starts a job: Enter here means the filter.
        event.preventDefault();
        tell.flush();
      }}
    />
  );
};
