/** All benches, in the order in which they run. */
import { access } from './access.ts';
import { append } from './append.ts';
import { archive } from './archive.ts';
import { auditSearch } from './audit-search.ts';
import type { Bench } from './bench.ts';
import { bulk } from './bulk.ts';
import { codec } from './codec.ts';
import { exporting } from './export.ts';
import { headroom } from './headroom.ts';
import { hotStream } from './hot-stream.ts';
import { http } from './http.ts';
import { personalData } from './personal-data.ts';
import { projections } from './projections.ts';
import { proving } from './proving.ts';
import { queueMemory } from './queue-memory.ts';
import { sealing } from './sealing.ts';
import { snapshot } from './snapshot.ts';
import { upload } from './upload.ts';

export const benches: readonly Bench[] = [
  append,
  http,
  access,
  bulk,
  headroom,
  upload,
  exporting,
  queueMemory,
  hotStream,
  snapshot,
  projections,
  codec,
  personalData,
  auditSearch,
  sealing,
  proving,
  archive,
];
