/** A thread does not inherit how the tests compile what they import. */
import { register } from 'tsx/esm/api';

register();
await import('../../../src/audit/transparency/hashing-thread.ts');
