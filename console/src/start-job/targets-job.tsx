/** A job on accounts that exist: all that a filter finds, or those on a list of ids. */
import { Checkbox, Divider, Stack, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { filterOf, filterWords } from '../accounts/account-filter.ts';
import { FilterBar } from '../accounts/filter-bar.tsx';
import type { Command } from '../api/commands.ts';
import { FormFields, shownPaths } from '../form/form-fields.tsx';
import { setSearch, usePlace } from '../navigation/place.ts';
import { Trouble } from '../parts/states.tsx';
import { CommandChoice } from './command-choice.tsx';
import { FilterSample } from './filter-sample.tsx';
import { IdsField, idsIn } from './ids-field.tsx';
import { JobOptionsFields, wantsReason } from './job-options.tsx';
import { type Source, useTargetsJob } from './use-targets-job.ts';

interface CommandsProps {
  readonly commands: readonly Command[];
}

const none = Object.fromEntries(filterWords.map((word) => [word, undefined]));

export const FilterJob = ({ commands }: CommandsProps) => {
  const filter = filterOf(usePlace().search);
  const [all, setAll] = useState(false);
  const isEmpty = Object.keys(filter).length === 0;
  return (
    <TargetsJob commands={commands} source={{ filter }} ready={!isEmpty || all}>
      <FilterBar filter={filter} onChange={setSearch} onClear={() => setSearch(none)} />
      <FilterSample filter={filter} />
      {isEmpty && (
        <Checkbox
          label="There is no filter, and I mean every account"
          checked={all}
          onChange={(event) => setAll(event.currentTarget.checked)}
        />
      )}
    </TargetsJob>
  );
};

export const IdsJob = ({ commands }: CommandsProps) => {
  const [text, setText] = useState('');
  const ids = idsIn(text);
  return (
    <TargetsJob commands={commands} source={{ ids }} ready={ids.length > 0}>
      <IdsField text={text} onChange={setText} />
    </TargetsJob>
  );
};

/** Commands that act on an account that is there already. */
const onAccounts = (commands: readonly Command[]): readonly Command[] =>
  commands.filter(({ name, bulkField }) => bulkField === 'accountId' && name !== 'open-account');

interface TargetsJobProps extends CommandsProps {
  readonly source: Source;
  readonly ready: boolean;
  /** How the accounts are chosen. */
  readonly children: ReactNode;
}

const TargetsJob = ({ commands, source, ready, children }: TargetsJobProps) => {
  const offered = onAccounts(commands);
  const job = useTargetsJob(offered);
  if (job.command === undefined) {
    return <Text className="quiet">No bulk command that you may run acts on accounts.</Text>;
  }
  return (
    <form
      data-testid="start-job-form"
      onSubmit={(event) => {
        event.preventDefault();
        job.start(source);
      }}
    >
      <Stack gap="md">
        {children}
        <Divider />
        <CommandChoice commands={offered} chosen={job.command} onChange={({ name }) => job.setName(name)} />
        <FormFields fields={job.fields} values={job.values} error={job.error} onChange={job.setValues} />
        {job.error !== null && <Trouble error={job.error} shown={shownPaths(job.fields)} />}
        <JobOptionsFields
          options={job.options}
          onChange={job.setOptions}
          wantsReason={wantsReason(job.command)}
          ready={ready}
          starting={job.isPending}
        />
      </Stack>
    </form>
  );
};
