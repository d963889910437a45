/**
 * An engine over a cloned database with a small area of its own, whose rows move: houses stand in a region,
 * animals belong to a house, and both can be moved. Principals are made from the roles of a policy.
 */
import { randomBytes } from 'node:crypto';
import { v7 as newId } from 'uuid';
import { z } from 'zod';
import { type Policy, policySchema } from '../../../src/access/policy.ts';
import type { Attributes, Principal } from '../../../src/access/principal.ts';
import { permissionsOfRoles } from '../../../src/access/role-permissions.ts';
import { type Area, defineArea } from '../../../src/area.ts';
import { defineCommand, reject } from '../../../src/commands/definition.ts';
import { defineStream } from '../../../src/commands/stream.ts';
import { createEngine, type Engine } from '../../../src/engine.ts';
import { QuarterdeckError } from '../../../src/errors.ts';
import { defineEvent, type EventOf } from '../../../src/events/definition.ts';
import { defineProjection } from '../../../src/queries/definition.ts';
import type { TestDatabase } from '../../setup/database.ts';

const HouseBuilt = defineEvent({
  type: 'HouseBuilt',
  schema: z.object({ houseId: z.string(), region: z.string().optional(), beds: z.int() }),
  refs: ({ houseId }) => [`house-${houseId}`],
});
const HouseMoved = defineEvent({
  type: 'HouseMoved',
  schema: z.object({ houseId: z.string(), region: z.string() }),
  refs: ({ houseId }) => [`house-${houseId}`],
});
const HouseRazed = defineEvent({
  type: 'HouseRazed',
  schema: z.object({ houseId: z.string() }),
  refs: ({ houseId }) => [`house-${houseId}`],
});
const AnimalTaken = defineEvent({
  type: 'AnimalTaken',
  schema: z.object({ animalId: z.string(), houseId: z.string(), diet: z.string() }),
  refs: ({ animalId, houseId }) => [`animal-${animalId}`, `house-${houseId}`],
});
const AnimalMoved = defineEvent({
  type: 'AnimalMoved',
  schema: z.object({ animalId: z.string(), houseId: z.string() }),
  refs: ({ animalId, houseId }) => [`animal-${animalId}`, `house-${houseId}`],
});
const AnimalFed = defineEvent({
  type: 'AnimalFed',
  schema: z.object({ animalId: z.string(), grams: z.int() }),
  refs: ({ animalId }) => [`animal-${animalId}`],
});

type HouseEvent = EventOf<typeof HouseBuilt> | EventOf<typeof HouseMoved> | EventOf<typeof HouseRazed>;
type AnimalEvent = EventOf<typeof AnimalTaken> | EventOf<typeof AnimalMoved> | EventOf<typeof AnimalFed>;

const houses = defineStream<{ readonly region?: string | undefined; readonly there: boolean }, HouseEvent>({
  prefix: 'house',
  initialState: { there: false },
  evolve: (_house, { type, data }) =>
    type === 'HouseRazed' ? { there: false } : { there: true, region: data.region },
});
const animals = defineStream<{ readonly houseId?: string; readonly fed: number }, AnimalEvent>({
  prefix: 'animal',
  initialState: { fed: 0 },
  evolve: (animal, { type, data }) =>
    type === 'AnimalFed' ? { ...animal, fed: animal.fed + data.grams } : { ...animal, houseId: data.houseId },
});

const id = z.string().regex(/^[a-z0-9-]+$/, 'must be lower-case letters, digits and hyphens');
const onHouse = {
  stream: houses,
  id: (i: { houseId: string }) => i.houseId,
  bulk: { field: 'houseId' },
} as const;
const onAnimal = {
  stream: animals,
  id: (i: { animalId: string }) => i.animalId,
  bulk: { field: 'animalId' },
} as const;
const house = { stream: houses, id: (i: { houseId: string }) => i.houseId };
const noHouse = (houseId: string) => reject('not_found', `There is no house ${houseId}.`);
const noAnimal = (animalId: string) => reject('not_found', `There is no animal ${animalId}.`);

const commands = [
  defineCommand({
    ...onHouse,
    name: 'build-house',
    summary: 'Build a house.',
    permission: 'houses:build',
    input: z.object({ houseId: id, region: z.string().optional(), beds: z.int().default(1) }),
    decide: (input, { there }) => (there ? reject('house_exists', 'There is one.') : [HouseBuilt.of(input)]),
  }),
  defineCommand({
    ...onHouse,
    name: 'move-house',
    summary: 'Move a house to another region.',
    permission: 'houses:move',
    input: z.object({ houseId: id, region: z.string() }),
    decide: ({ houseId, region }, { there, region: now }) => {
      if (!there) return noHouse(houseId);
      return region === now ? [] : [HouseMoved.of({ houseId, region })];
    },
  }),
  defineCommand({
    ...onHouse,
    name: 'raze-house',
    summary: 'Raze a house.',
    permission: 'houses:move',
    input: z.object({ houseId: id }),
    decide: ({ houseId }, { there }) => (there ? [HouseRazed.of({ houseId })] : noHouse(houseId)),
  }),
  defineCommand({
    ...onAnimal,
    name: 'take-animal',
    summary: 'Take an animal in.',
    permission: 'animals:take',
    reads: { house },
    input: z.object({ animalId: id, houseId: id, diet: z.string().default('hay') }),
    decide: ({ animalId, houseId, diet }, animal, { read }) => {
      if (animal.houseId !== undefined) return reject('animal_exists', 'There is one.');
      return read.house.there ? [AnimalTaken.of({ animalId, houseId, diet })] : noHouse(houseId);
    },
  }),
  // Does not ask whether the house is there: the rows alone tell.
  defineCommand({
    ...onAnimal,
    name: 'move-animal',
    summary: 'Move an animal to another house.',
    permission: 'animals:move',
    input: z.object({ animalId: id, houseId: id }),
    decide: ({ animalId, houseId }, animal) =>
      animal.houseId === undefined ? noAnimal(animalId) : [AnimalMoved.of({ animalId, houseId })],
  }),
  defineCommand({
    ...onAnimal,
    name: 'feed-animal',
    summary: 'Feed an animal.',
    permission: 'animals:feed',
    alsoNeeds: ({ grams }) => (grams > 1_000 ? ['animals:feast'] : []),
    input: z.object({ animalId: id, grams: z.int().positive() }),
    decide: ({ animalId, grams }, animal) =>
      animal.houseId === undefined ? noAnimal(animalId) : [AnimalFed.of({ animalId, grams })],
  }),
];

const houseRow = z.object({
  houseId: z.string(),
  region: z.string().nullable(),
  beds: z.int(),
  changedAt: z.iso.datetime(),
});
const houseRows = defineProjection<typeof houseRow, HouseEvent>({
  name: 'houses',
  summary: 'Houses.',
  version: 1,
  schema: houseRow,
  keyField: 'houseId',
  events: ['HouseBuilt', 'HouseMoved', 'HouseRazed'],
  keys: ({ data }) => [data.houseId],
  evolve: (before, { type, data, recordedAt: changedAt }) => {
    if (type === 'HouseBuilt') return { ...data, region: data.region ?? null, changedAt };
    return type === 'HouseRazed' ? null : before && { ...before, region: data.region, changedAt };
  },
  stream: houses.of,
  permission: 'houses:read',
});

const animalRow = z.object({
  animalId: z.string(),
  houseId: z.string(),
  diet: z.string(),
  fed: z.int(),
  takenBy: z.string(),
});
const animalRows = defineProjection<typeof animalRow, AnimalEvent>({
  name: 'animals',
  summary: 'Animals.',
  version: 1,
  schema: animalRow,
  keyField: 'animalId',
  fields: { diet: { internal: 'animals:read-diet' } },
  events: ['AnimalTaken', 'AnimalMoved', 'AnimalFed'],
  keys: ({ data }) => [data.animalId],
  evolve: (before, { type, data, metadata }) => {
    if (type === 'AnimalTaken') return { ...data, fed: 0, takenBy: metadata.actor.id };
    if (type === 'AnimalMoved') return before && { ...before, houseId: data.houseId };
    return before && { ...before, fed: before.fed + data.grams };
  },
  stream: animals.of,
  permission: 'animals:read',
  belongsTo: [{ projection: 'houses', field: 'houseId' }],
});

export const zooArea: Area = defineArea({
  name: 'zoo',
  events: [HouseBuilt, HouseMoved, HouseRazed, AnimalTaken, AnimalMoved, AnimalFed],
  streams: [houses, animals],
  commands,
  projections: [houseRows, animalRows],
});

export const policyOf = (roles: object): Policy => policySchema.parse({ roles });

/** A principal with these roles of the policy. */
export const holder = (
  policy: Policy,
  roles: readonly string[],
  attributes: Attributes = {},
  who = 'person:holder',
): Principal => ({
  id: who,
  kind: 'person',
  roles,
  attributes,
  permissions: permissionsOfRoles(policy, roles, attributes, ['*']),
  tool: 'console',
});

export interface Zoo {
  readonly engine: Engine;
  /** `ok`, or the code of the refusal with its message. */
  act(principal: Principal, name: string, input: object, ifMatch?: number): Promise<string>;
  /** Waits until the read models have everything. */
  caughtUp(): Promise<number>;
  keys(principal: Principal, projection: string, query?: string): Promise<readonly unknown[]>;
  stop(): Promise<void>;
}

export const openZoo = async (db: TestDatabase): Promise<Zoo> => {
  const engine = await createEngine({
    areas: [zooArea],
    pool: db.app,
    directUrl: db.applicationUrl,
    masterKey: randomBytes(32),
    signingKey: randomBytes(32),
    publicUrl: 'http://127.0.0.1',
    allowedNetworks: ['127.0.0.0/8'],
    trustedProxies: [],
    redisUrls: [],
    clock: () => new Date(),
    newId: () => newId(),
    onError: () => undefined,
    say: () => undefined,
  });
  await engine.start({ project: true, work: true });
  const caughtUp = async (): Promise<number> => {
    const { position } = await engine.log.head();
    for (const name of ['houses', 'animals']) await engine.readSide.progress.waitFor(name, position);
    return position;
  };
  await caughtUp();
  return {
    engine,
    caughtUp,
    act: async (principal, name, input, ifMatch) => {
      const more = ifMatch === undefined ? {} : { ifMatch };
      return engine.commands.execute({ principal, name, input, ...more }).then(
        () => 'ok',
        (error: unknown) => {
          if (!(error instanceof QuarterdeckError)) throw error;
          return `${error.code}: ${error.message}`;
        },
      );
    },
    keys: async (principal, projection, query = '') => {
      await caughtUp();
      const page = await engine.readSide.queries.list({
        principal,
        projection,
        query: new URLSearchParams(query),
      });
      const key = projection === 'houses' ? 'houseId' : 'animalId';
      return page.data.map((row) => row[key]);
    },
    stop: () => engine.stop(),
  };
};
