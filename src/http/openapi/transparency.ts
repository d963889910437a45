/** What OpenAPI says about the verifiable log. */
import { entryFilterFields } from '../../audit/provable/format.ts';
import type { Content, Operation } from '../route.ts';
import { path, query } from './parts.ts';
import { flag, json, object, ref, text, whole } from './schemas.ts';

const base = '/internal/v1/audit';
const common = {
  tag: 'Proofs',
  method: 'get',
  permission: 'audit:read',
  codes: ['not_permitted'],
  notes: { 'x-every-row': true },
} as const;

const plain: Content = { 'text/plain': { schema: text } };
const bytes: Content = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };

const tileIndex = path(
  'index',
  'The tile’s number in groups of three digits, all but the last behind an `x` (`x001/x234/067`), and `.p/` with the number of hashes where it is partial (`005.p/17`). Not percent-encoded.',
);

const exportBody = {
  ...object(
    {
      format: { enum: ['ndjson', 'csv'], default: 'ndjson' },
      filter: {
        ...object(Object.fromEntries(entryFilterFields.map((name) => [name, text])), [...entryFilterFields]),
        description: 'By what entries carry; that no match is left out can be proven for these.',
      },
      from: { ...text, description: 'A time with its zone or a position; inclusive.' },
      to: { ...text, description: 'A time with its zone or a position; inclusive.' },
      readable: {
        ...flag,
        default: false,
        description: 'With NDJSON: each event also as it reads. Proven is the stored form.',
      },
    },
    ['format', 'filter', 'from', 'to', 'readable'],
  ),
};

export const operations = {
  exported: {
    ...common,
    method: 'post',
    path: `${base}/exports`,
    operationId: 'exportProvableEvents',
    summary: 'Events of a range with the means to prove them, recorded before the first is sent',
    description:
      'NDJSON that stands for itself: a head with the signed checkpoint, for every position of the range the event or, where it does not match the filter, its entry, and an end that counts them. CSV holds the matching events alone; what proves it is the manifest that `Link` names. `quarterdeck verify` checks either without this server.',
    permission: 'audit:export',
    body: { required: true, content: json(exportBody) },
    answers: [
      {
        status: 200,
        description: 'The export. `Link` names its manifest.',
        content: { 'application/x-ndjson': { schema: text }, 'text/csv': { schema: text } },
        headers: ['Quarterdeck-Position'],
      },
    ],
    codes: [
      'malformed_request',
      'too_large',
      'unsupported_media_type',
      'not_permitted',
      'invalid_input',
      'unavailable',
    ],
  },
  manifest: {
    ...common,
    path: `${base}/exports/{id}/manifest`,
    operationId: 'manifestOfExport',
    summary: 'What proves an export in CSV: an entry for every position of its range',
    permission: 'audit:export',
    parameters: [path('id', 'As in `Link` of the export.')],
    answers: [
      { status: 200, description: 'The manifest.', content: { 'application/x-ndjson': { schema: text } } },
    ],
    codes: ['malformed_request', 'not_permitted', 'invalid_input', 'not_found', 'unavailable'],
  },
  vkey: {
    ...common,
    path: `${base}/vkey`,
    operationId: 'logVerifierKey',
    summary: 'The verifier key of the log’s checkpoints',
    description:
      'C2SP signed-note form. Its name is the log’s origin. Keep it elsewhere: what is proven is proven to whoever has it.',
    answers: [{ status: 200, description: 'One key.', content: plain }],
    codes: ['not_permitted', 'unavailable'],
  },
  vkeys: {
    ...common,
    path: `${base}/vkeys`,
    operationId: 'logVerifierKeys',
    summary: 'Every key that has signed the log, newest first, one a line',
    answers: [{ status: 200, description: 'The keys.', content: plain }],
  },
  checkpoint: {
    ...common,
    path: `${base}/checkpoint`,
    operationId: 'logCheckpoint',
    summary: 'The newest signed checkpoint of the log',
    description:
      'C2SP tlog-checkpoint: origin, size (the position of the last event it covers), root, signature.',
    answers: [{ status: 200, description: 'The signed note.', content: plain }],
    codes: ['not_permitted', 'unavailable'],
  },
  tile: {
    ...common,
    path: `${base}/tile/{level}/{index}`,
    operationId: 'logTile',
    summary: 'A tile of the Merkle tree: up to 256 hashes of one level',
    parameters: [path('level', 'The tile’s level, from 0.'), tileIndex],
    answers: [{ status: 200, description: '32 bytes a hash.', content: bytes }],
    codes: ['not_permitted', 'not_found', 'unavailable'],
  },
  bundle: {
    ...common,
    path: `${base}/tile/entries/{index}`,
    operationId: 'logEntryBundle',
    summary: 'The entries of up to 256 events',
    description:
      'Each with its length before it (two bytes, big-endian). An entry is canonical JSON: the envelope, who acted by which tool and command, and SHA-256 of data and metadata as stored.',
    parameters: [tileIndex],
    answers: [{ status: 200, description: 'The bundle.', content: bytes }],
    codes: ['not_permitted', 'not_found', 'unavailable'],
  },
  inclusion: {
    ...common,
    path: `${base}/proof/{position}`,
    operationId: 'logInclusionProof',
    summary: 'A proof that the event at a position is in the log',
    description: 'C2SP tlog-proof against the newest checkpoint; `extra` holds the entry that is proven.',
    parameters: [path('position', 'Of the event, from 1.')],
    answers: [{ status: 200, description: 'The proof file.', content: plain }],
    codes: ['not_permitted', 'invalid_input', 'not_found', 'unavailable'],
  },
  consistency: {
    ...common,
    path: `${base}/consistency`,
    operationId: 'logConsistencyProof',
    summary: 'A proof that the log of an earlier checkpoint is the beginning of a later one’s',
    parameters: [
      { ...query('from', whole, 'Size of the earlier checkpoint.'), required: true },
      query('to', whole, 'Size of the later one; the newest unless told.'),
    ],
    answers: [
      { status: 200, description: 'The hashes of the proof.', content: json(ref('ConsistencyProof')) },
    ],
    codes: ['malformed_request', 'not_permitted', 'invalid_input', 'unavailable'],
  },
  receipt: {
    ...common,
    path: `${base}/receipts/{commandId}`,
    operationId: 'commandReceipt',
    summary: 'The receipt of a command: its events as stored, each with a proof',
    permission: 'audit:export',
    parameters: [path('commandId', 'As the command answered.')],
    answers: [{ status: 200, description: 'The receipt.', content: json(ref('Receipt')) }],
    codes: ['not_permitted', 'invalid_input', 'not_found', 'unavailable'],
  },
} as const satisfies Record<string, Operation>;
