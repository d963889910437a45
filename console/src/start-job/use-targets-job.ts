/** What stands in the form of a job on accounts, and the request that it means. */
import { useState } from 'react';
import { type AccountFilter, whereOf } from '../accounts/account-filter.ts';
import type { Command } from '../api/commands.ts';
import { fieldsOf } from '../form/schema.ts';
import { initialValues, inputOf, type Values } from '../form/values.ts';
import { noOptions, requestOf } from './job-options.tsx';
import { useStart } from './use-start.ts';

/** Where the accounts come from. */
export type Source = { readonly filter: AccountFilter } | { readonly ids: readonly string[] };

export const useTargetsJob = (offered: readonly Command[]) => {
  const [name, setName] = useState(offered[0]?.name);
  const [typed, setValues] = useState<Values>({});
  const [options, setOptions] = useState(noOptions);
  const { mutate, error, isPending } = useStart();
  const command = offered.find((one) => one.name === name);
  const fields =
    command === undefined ? [] : fieldsOf(command.input).filter((field) => field.name !== command.bulkField);
  const values = { ...initialValues(fields), ...typed };
  const start = (source: Source): void => {
    if (command === undefined) return;
    const what = 'filter' in source ? { where: whereOf(source.filter) } : { targets: source.ids };
    const input = inputOf(fields, values);
    mutate({ start: { command: command.name, input, ...what, ...requestOf(options) } });
  };
  return { command, setName, fields, values, setValues, options, setOptions, start, error, isPending };
};
