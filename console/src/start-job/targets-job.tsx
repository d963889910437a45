/** A job on accounts that exist: all that a filter finds, or those on a list of ids. */
import { Divider, Stack, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { filterOf, filterWords, whereOf } from '../accounts/account-filter.ts';
import { FilterBar } from '../accounts/filter-bar.tsx';
import type { Command } from '../api/commands.ts';
import { FormFields, shownPaths } from '../form/form-fields.tsx';
import { fieldsOf } from '../form/schema.ts';
import { initialValues, inputOf, type Values } from '../form/values.ts';
import { setSearch, usePlace } from '../navigation/place.ts';
import { Trouble } from '../parts/states.tsx';
import { count } from '../parts/written.ts';
import { CommandChoice } from './command-choice.tsx';
import { FilterSample } from './filter-sample.tsx';
import { JobOptionsFields, noOptions } from './job-options.tsx';
import { useStart } from './use-start.ts';

interface TargetsJobProps {
  readonly commands: readonly Command[];
  readonly by: 'filter' | 'ids';
}

const none = Object.fromEntries(filterWords.map((word) => [word, undefined]));

/** Commands that act on an account that is there already, and need nothing else that differs by item. */
const onAccounts = (commands: readonly Command[]): readonly Command[] =>
  commands.filter(({ name, bulkField }) => bulkField === 'accountId' && name !== 'open-account');

export const TargetsJob = ({ commands, by }: TargetsJobProps) => {
  const { search } = usePlace();
  const filter = filterOf(search);
  const offered = onAccounts(commands);
  const [name, setName] = useState(offered[0]?.name);
  const command = offered.find((one) => one.name === name);
  const [values, setValues] = useState<Values>({});
  const [text, setText] = useState('');
  const [options, setOptions] = useState(noOptions);
  const start = useStart();
  if (command === undefined)
    return <Text className="quiet">No bulk command that you may run acts on accounts.</Text>;

  const fields = fieldsOf(command.input).filter((field) => field.name !== command.bulkField);
  const held = { ...initialValues(fields), ...values };
  const targets = idsIn(text);
  const submit = (): void => {
    const what = by === 'filter' ? { where: whereOf(filter) } : { targets };
    const { dryRun, label } = options;
    const input = inputOf(fields, held);
    start.mutate({
      start: { command: command.name, input, ...what, dryRun, label: label.trim() || undefined },
    });
  };
  return (
    <form
      data-testid="start-job-form"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Stack gap="md">
        {by === 'filter' ? (
          <>
            <FilterBar filter={filter} onChange={setSearch} onClear={() => setSearch(none)} />
            <FilterSample filter={filter} />
          </>
        ) : (
          <Textarea
            label="Account ids"
            description="Separated by spaces, commas or lines"
            className="mono"
            autosize
            minRows={4}
            maxRows={14}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            error={targets.length > 0 ? undefined : text.trim() && 'No id in it'}
            data-testid="job-targets"
          />
        )}
        {by === 'ids' && <Text size="sm">{count(targets.length)} different ids</Text>}
        <Divider />
        <CommandChoice commands={offered} chosen={command} onChange={(next) => setName(next.name)} />
        <FormFields fields={fields} values={held} error={start.error} onChange={setValues} />
        {start.error !== null && <Trouble error={start.error} shown={shownPaths(fields)} />}
        <JobOptionsFields
          options={options}
          onChange={setOptions}
          ready={by === 'filter' || targets.length > 0}
          starting={start.isPending}
        />
      </Stack>
    </form>
  );
};

const idsIn = (text: string): readonly string[] => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
