/** What stands in the form of a job from a file, and the request that it means. */
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { Command } from '../api/commands.ts';
import { fieldsOf } from '../form/schema.ts';
import { inputOf, type Values } from '../form/values.ts';
import { readHead } from './file-head.ts';
import { noOptions, requestOf } from './job-options.tsx';
import { guessMapping, type Mapping, missing } from './mapping.ts';
import type { Reading } from './reading.ts';
import { useStart } from './use-start.ts';

export const useFileJob = (commands: readonly Command[]) => {
  const [name, setName] = useState('open-account');
  const [file, setFile] = useState<File | null>(null);
  const [corrected, setMapping] = useState<Mapping>();
  const [values, setValues] = useState<Values>({});
  const [options, setOptions] = useState(noOptions);
  const head = useMutation({
    mutationFn: ({ from, said }: { from: File; said?: Reading }) => readHead(from, said),
  });
  const { mutate, error, isPending } = useStart();

  const command = commands.find((one) => one.name === name) ?? commands[0];
  const fields = command === undefined ? [] : fieldsOf(command.input);
  const mapping = corrected ?? guessMapping(fields, head.data?.columns ?? []);
  const open = fields.filter((field) => !mapping[field.name] && field.name !== command?.bulkField);
  const input = inputOf(open, values);

  const choose = (chosen: File | null): void => {
    setFile(chosen);
    setMapping(undefined);
    head.reset();
    if (chosen !== null) head.mutate({ from: chosen });
  };
  const readAs = (said: Reading): void => {
    if (file !== null) head.mutate({ from: file, said });
  };
  const chooseCommand = (chosen: Command): void => {
    setName(chosen.name);
    setMapping(undefined);
  };
  const start = (): void => {
    if (file === null || head.data === undefined || command === undefined) return;
    const { type, reading } = head.data;
    const upload = { command: command.name, file, type, map: mapping, reading: { ...reading }, input };
    mutate({ upload: { ...upload, ...requestOf(options) } });
  };
  /** Required, and neither in a column nor given for all. NDJSON names its fields itself. */
  const lacking = missing(fields, mapping).filter((field) => input[field] === undefined);
  const form = { fields, open, mapping, lacking, values, options, file, head, error, isPending };
  return { command, ...form, chooseCommand, choose, readAs, setMapping, setValues, setOptions, start };
};
