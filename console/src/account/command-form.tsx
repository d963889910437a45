/**
 * One command as a form: fields from its JSON Schema, a preview (the server's dry run), and sending it
 * with an idempotency key. A `fixed` field is filled in and not shown.
 */
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { type Command, type CommandAnswer, runCommand } from '../api/commands.ts';
import { FormFields, shownPaths } from '../form/form-fields.tsx';
import { fieldsOf } from '../form/schema.ts';
import { initialValues, inputOf, keyPerInput, type Values } from '../form/values.ts';
import { Diff } from '../parts/diff.tsx';
import { Trouble } from '../parts/states.tsx';
import { words } from '../parts/written.ts';

interface CommandFormProps {
  readonly command: Command;
  readonly fixed?: Values;
  readonly onDone?: (input: Readonly<Record<string, unknown>>) => void;
}

export const CommandForm = ({ command, fixed = {}, onDone }: CommandFormProps) => {
  const form = useCommandForm(command, fixed, onDone);
  const { shownFields, values, setValues, run, preview } = form;
  const error = run.error ?? preview.error;
  return (
    <form onSubmit={form.submit} data-testid={`command-${command.name}`}>
      <Stack gap="sm">
        <FormFields fields={shownFields} values={values} error={error} onChange={setValues} />
        <Extras {...form} />
        {error !== null && <Trouble error={error} shown={shownPaths(shownFields)} />}
        {preview.data !== undefined && <Preview answer={preview.data} />}
        <Group gap="xs">
          <Button type="submit" loading={run.isPending}>
            {words(command.name)}
          </Button>
          <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate()}>
            Preview
          </Button>
        </Group>
      </Stack>
    </form>
  );
};

const useCommandForm = (command: Command, fixed: Values, onDone: CommandFormProps['onDone']) => {
  const client = useQueryClient();
  const [keyFor] = useState(keyPerInput);
  const fields = fieldsOf(command.input);
  const shownFields = fields.filter(({ name }) => !(name in fixed));
  const [values, setValues] = useState<Values>(() => initialValues(fields, fixed));
  const [reason, setReason] = useState('');
  const [reference, setReference] = useState('');
  const request = (dryRun: boolean) => {
    const input = inputOf(fields, values);
    const key = keyFor({ input, reason, reference });
    return { command: command.name, input, reason, reference, dryRun, idempotencyKey: key };
  };
  const preview = useMutation({ mutationFn: () => runCommand(request(true)) });
  const run = useMutation({
    mutationFn: () => runCommand(request(false)),
    onSuccess: async (answer) => {
      notifications.show({ color: 'teal', title: words(command.name), message: doneMessage(answer) });
      preview.reset();
      onDone?.(inputOf(fields, values));
      setValues(initialValues(fields, fixed));
      await client.invalidateQueries();
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    preview.reset();
    run.mutate();
  };
  const ownReason = fields.some(({ name }) => name === 'reason');
  const { needsReason } = command;
  return {
    shownFields,
    values,
    setValues,
    reason,
    setReason,
    reference,
    setReference,
    ownReason,
    needsReason,
    run,
    preview,
    submit,
  };
};

type ExtrasProps = Pick<
  ReturnType<typeof useCommandForm>,
  'reason' | 'setReason' | 'reference' | 'setReference' | 'ownReason' | 'needsReason'
>;

/** What goes into the audit log beside the input. */
const Extras = ({ reason, setReason, reference, setReference, ownReason, needsReason }: ExtrasProps) => (
  <>
    {!ownReason && (
      <TextInput
        label="Reason"
        description="Kept in the audit log"
        required={needsReason}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    )}
    <TextInput
      label="Reference"
      placeholder="A ticket, if there is one"
      value={reference}
      onChange={(event) => setReference(event.currentTarget.value)}
    />
  </>
);

const Preview = ({ answer }: { readonly answer: CommandAnswer }) => (
  <Stack gap={4} data-testid="preview">
    <Text size="sm" fw={600}>
      This would{' '}
      {answer.events?.length
        ? `record ${answer.events.map(({ type }) => type).join(', ')}`
        : 'change nothing'}
    </Text>
    {answer.diff !== undefined && answer.diff.length > 0 && <Diff changes={answer.diff} />}
  </Stack>
);

const doneMessage = ({ approvalId, events = [], position }: CommandAnswer): string => {
  if (approvalId !== undefined) return 'Waits for the approval of another person.';
  if (events.length === 0) return 'Nothing to change: it was so already.';
  return `${events.map(({ type }) => type).join(', ')} at position ${position ?? events.at(-1)?.position}`;
};
