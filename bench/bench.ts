/** What a bench is: a name, what it shows, and how it is run on a server of its own. */
import type { Outcome } from './measure.ts';
import type { BenchServer } from './server.ts';

export interface BenchContext {
  readonly server: BenchServer;
  /** Rounds of each side that count. */
  readonly rounds: number;
  /** Length of a round under load. */
  readonly seconds: number;
  /** How old the open snapshot of `snapshot` shall be; undefined: aged by work instead. */
  readonly minutes: number | undefined;
  readonly say: (line: string) => void;
}

export interface Bench {
  readonly name: string;
  readonly shows: string;
  readonly run: (context: BenchContext) => Promise<Outcome>;
}
