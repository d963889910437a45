/** A small area for tests of what is generated from definitions: parcels that are posted and lost. */
import { z } from 'zod';
import { defineArea } from '../../src/area.ts';
import { defineCommand, reject } from '../../src/commands/definition.ts';
import { defineStream } from '../../src/commands/stream.ts';
import { defineEvent, type EventOf } from '../../src/events/definition.ts';
import { personal } from '../../src/events/personal.ts';
import { defineProjection } from '../../src/queries/definition.ts';

const ParcelPosted = defineEvent({
  type: 'ParcelPosted',
  schema: z.object({ parcelId: z.string(), to: personal(z.string()), weight: z.int(), postage: z.string() }),
  refs: ({ parcelId }) => [`parcel-${parcelId}`],
  subject: ({ parcelId }) => `parcel-${parcelId}`,
});
const ParcelLost = defineEvent({
  type: 'ParcelLost',
  schema: z.object({ parcelId: z.string(), reason: z.string() }),
  refs: ({ parcelId }) => [`parcel-${parcelId}`],
});

type ParcelEvent = EventOf<typeof ParcelPosted> | EventOf<typeof ParcelLost>;

const parcels = defineStream<{ status: string }, ParcelEvent>({
  prefix: 'parcel',
  initialState: { status: 'unknown' },
  evolve: (_state, event) => ({ status: event.type === 'ParcelPosted' ? 'posted' : 'lost' }),
});

const parcelId = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/)
  .describe('The parcel’s id.');

const postParcel = defineCommand({
  name: 'post-parcel',
  summary: 'Hands a parcel to the <post>',
  input: z.object({
    parcelId,
    to: personal(z.string().min(1)),
    weight: z.int().min(1),
    express: z.boolean().default(false),
  }),
  stream: parcels,
  id: (input) => input.parcelId,
  permission: 'parcels:post',
  bulk: { field: 'parcelId' },
  decide: (input, state) =>
    state.status === 'unknown'
      ? [ParcelPosted.of({ parcelId: input.parcelId, to: input.to, weight: input.weight, postage: '4.20' })]
      : reject('parcel_exists', 'This parcel was posted before.'),
});

const loseParcel = defineCommand({
  name: 'lose-parcel',
  summary: 'Writes a parcel off',
  input: z.object({ parcelId, reason: z.string().min(1) }),
  stream: parcels,
  id: (input) => input.parcelId,
  permission: 'parcels:lose',
  needs: { reason: true },
  decide: (input) => [ParcelLost.of(input)],
});

const row = z.object({
  parcelId: z.string(),
  status: z.enum(['posted', 'lost']),
  to: z.string().nullable(),
  postage: z.string(),
  margin: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
});

const rows = defineProjection<typeof row, ParcelEvent>({
  name: 'parcels',
  summary: 'Parcels',
  version: 1,
  schema: row,
  keyField: 'parcelId',
  fields: {
    to: { personal: true, recordReads: true },
    postage: { money: true, index: true },
    margin: { internal: 'parcels:internal', description: 'What is left of it.' },
  },
  events: ['ParcelPosted', 'ParcelLost'],
  keys: (event) => [String(event.data.parcelId)],
  evolve: (row, event, parcelId) =>
    event.type === 'ParcelPosted'
      ? {
          parcelId,
          status: 'posted' as const,
          to: event.data.to,
          postage: event.data.postage,
          margin: '1.10',
          tags: {},
        }
      : row && { ...row, status: 'lost' as const },
  stream: (key) => parcels.of(key),
  permission: 'parcels:read',
});

export const shop = defineArea({
  name: 'shop',
  events: [ParcelPosted, ParcelLost],
  streams: [parcels],
  commands: [postParcel, loseParcel],
  projections: [rows],
});
