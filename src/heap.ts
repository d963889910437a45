/**
 * Settings of V8, made before anything else is loaded. Allocation sites whose objects happened to outlive a
 * collection once are otherwise compiled to allocate in the old generation from then on; here these are the
 * cells and parsed values of a batch in hand, dead a moment later. An upload of a million rows then grew the
 * process by 220 MiB, against 40 without (`npm run bench -- upload`), and collections of the young generation
 * took 4 ms instead of 0.6, because what died in the old generation kept what it pointed to alive.
 *
 * How large the young generation may become is settled before any program runs: `npm start` and the image give
 * `--max-semi-space-size=32`, twice the usual. What a round of bulk work makes is then mostly dead before it
 * would be copied. `--heap-growing-percent=100` beside it has the old generation looked through when it has grown to
 * twice what was left of it, not to four times: the first bulk job of 100,000 items grows the process by 39 MiB
 * instead of 170. Twice as large again, bulk work would be a few per cent faster, and an upload of a million rows take
 * 162 MiB instead of 99.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--no-allocation-site-pretenuring');
