/** The filters of the account list. Typing waits a moment before it asks the server. */
import { Button, Group, NativeSelect, TextInput } from '@mantine/core';
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
    <Group component="search" aria-label="Filter accounts" gap="xs" align="flex-end">
      <Typed
        label="Account id starts with"
        w={170}
        value={filter['accountId[prefix]']}
        onType={set('accountId[prefix]')}
      />
      <NativeSelect label="Status" w={125} {...choice('status', statuses)} data-testid="filter-status" />
      <NativeSelect
        label="Contract"
        w={155}
        {...choice('contract', contracts)}
        data-testid="filter-contract"
      />
      <Typed label="Plan" w={140} value={filter.plan} onType={set('plan')} />
      <Typed
        label="Monthly from"
        w={105}
        inputMode="decimal"
        value={filter['monthlyCharges[gte]']}
        onType={set('monthlyCharges[gte]')}
      />
      <Typed
        label="to"
        w={105}
        inputMode="decimal"
        value={filter['monthlyCharges[lte]']}
        onType={set('monthlyCharges[lte]')}
      />
      {Object.keys(filter).length > 0 && (
        <Button variant="subtle" onClick={onClear}>
          Clear
        </Button>
      )}
    </Group>
  );
};

interface TypedProps {
  readonly label: string;
  readonly w: number;
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
    />
  );
};
