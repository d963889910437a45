/** The filters of the audit log. They apply on Enter or with the button: each is an exact match. */
import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { words } from '../parts/written.ts';
import { auditTimes, auditWords } from './audit-filter.ts';

type Filter = Readonly<Record<string, string>>;

interface AuditFilterBarProps {
  readonly filter: Filter;
  readonly onChange: (changes: Readonly<Record<string, string | undefined>>) => void;
}

const placeholders = {
  stream: 'account-7590-VHVEG',
  actor: 'an actor’s id',
  type: 'AccountSuspended',
  command: 'suspend-account',
} as const;

const none = Object.fromEntries([...auditWords, ...auditTimes].map((word) => [word, undefined]));

export const AuditFilterBar = ({ filter, onChange }: AuditFilterBarProps) => {
  const [typed, setTyped] = useState<Filter>(filter);
  const key = JSON.stringify(filter);
  useEffect(() => setTyped(JSON.parse(key) as Filter), [key]);
  const bound = (word: string) => ({
    name: word,
    label: words(word),
    value: typed[word] ?? '',
    onChange: (event: { currentTarget: { value: string } }) =>
      setTyped({ ...typed, [word]: event.currentTarget.value }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onChange({ ...none, ...typed });
  };
  return (
    <form onSubmit={submit} data-testid="audit-filter">
      <div className="filters">
        {auditWords.map((word) => (
          <TextInput
            key={word}
            placeholder={placeholders[word]}
            autoComplete="off"
            spellCheck={false}
            {...bound(word)}
          />
        ))}
        {auditTimes.map((word) => (
          <TextInput key={word} type="datetime-local" step={1} {...bound(word)} />
        ))}
        <Button type="submit">Search</Button>
        {Object.keys(filter).length > 0 && (
          <Button variant="subtle" onClick={() => onChange(none)}>
            Clear
          </Button>
        )}
      </div>
    </form>
  );
};
