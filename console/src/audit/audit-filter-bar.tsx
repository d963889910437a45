/** The filters of the audit log. They apply on Enter or with the button; all of them must hold. */
import { Button, Select, TextInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { words } from '../parts/written.ts';
import { auditChoices, auditFilters, auditIds, auditTimes, auditWords } from './audit-filter.ts';

type Filter = Readonly<Record<string, string>>;

interface AuditFilterBarProps {
  readonly filter: Filter;
  readonly onChange: (changes: Readonly<Record<string, string | undefined>>) => void;
}

const placeholders = {
  about: 'account-7590-VHVEG',
  actor: 'an actor’s id',
  type: 'AccountSuspended',
  command: 'suspend-account',
  tool: 'console',
  reason: 'words of a reason',
  stream: 'account-7590-VHVEG',
  bulkJob: 'a bulk job’s id',
  commandId: 'of one execution',
  correlation: 'a request or trace',
  session: 'a session’s id',
} as const;

const none = Object.fromEntries(auditFilters.map((word) => [word, undefined]));

export const AuditFilterBar = ({ filter, onChange }: AuditFilterBarProps) => {
  const [typed, setTyped] = useState<Filter>(filter);
  const [more, setMore] = useState(false);
  const key = JSON.stringify(filter);
  useEffect(() => setTyped(JSON.parse(key) as Filter), [key]);
  const isMore = more || auditIds.some((word) => filter[word] !== undefined);
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
  const choose = (word: string, value: string | null): void => {
    const { [word]: _, ...rest } = typed;
    const chosen = value === null ? rest : { ...rest, [word]: value };
    setTyped(chosen);
    onChange({ ...none, ...chosen });
  };
  return (
    <form onSubmit={submit} data-testid="audit-filter">
      <div className="filters wide">
        {[...auditWords, ...(isMore ? auditIds : [])].map((word) => (
          <TextInput
            key={word}
            placeholder={placeholders[word]}
            autoComplete="off"
            spellCheck={false}
            {...bound(word)}
          />
        ))}
        <Select
          name="outcome"
          label={words('outcome')}
          placeholder="any"
          clearable
          data={[...auditChoices.outcome]}
          value={typed.outcome ?? null}
          onChange={(value) => choose('outcome', value)}
        />
        {auditTimes.map((word) => (
          <TextInput
            key={word}
            type="datetime-local"
            step={1}
            {...bound(word)}
            label={`${words(word)}, your own time`}
          />
        ))}
        <Select
          name="order"
          label={words('order')}
          allowDeselect={false}
          data={auditChoices.order.map((value) => ({ value, label: `${value} first` }))}
          value={typed.order ?? 'newest'}
          onChange={(value) => choose('order', value === 'newest' ? null : value)}
        />
        <Button type="submit">Search</Button>
        {!isMore && (
          <Button variant="subtle" onClick={() => setMore(true)}>
            More filters
          </Button>
        )}
        {Object.keys(filter).length > 0 && (
          <Button variant="subtle" onClick={() => onChange(none)}>
            Clear
          </Button>
        )}
      </div>
    </form>
  );
};
