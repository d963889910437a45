/** What an export looks like. */
import { escapes, exportFormats, exportStates } from '../../workers/exports/request.ts';
import { arrayOf, object, orNull, text, time, whole } from './schemas.ts';

export const exportSchema = object(
  {
    id: text,
    query: { ...text, description: 'The projection.' },
    label: orNull(text),
    state: { enum: exportStates, description: 'Clients ignore states they do not know.' },
    format: { enum: exportFormats },
    escape: { enum: escapes, description: 'With `csv`.' },
    fields: arrayOf(text),
    where: { type: 'object' },
    requestedBy: object(
      { id: text, kind: { enum: ['person', 'service', 'system'] }, name: text, email: text },
      ['name', 'email'],
    ),
    requestedAt: time,
    startedAt: orNull(time),
    finishedAt: orNull(time),
    expiresAt: { ...orNull(time), description: 'When the file goes; while it is there.' },
    rows: { ...whole, description: 'Written so far.' },
    total: orNull(whole),
    position: { ...orNull(whole), description: 'The one log position that all rows are of.' },
    bytes: orNull(whole),
    sha256: {
      ...orNull(text),
      description: 'Of the file as it is downloaded, in hex; for whoever may download it.',
    },
    salt: {
      ...orNull(text),
      description: 'The log holds the SHA-256 in hex of `salt` and `sha256`, one behind the other.',
    },
    error: object({ code: text, message: text }),
  },
  ['escape', 'error'],
);
