/**
 * The reference domain: what the service of this repository is about. No area imports another. What
 * several need stands in `kernel/`: money, fields of inputs, and what may be known of an account from
 * outside its area.
 */
import type { Area } from '../area.ts';
import { accountsArea } from './accounts/index.ts';
import { billingArea } from './billing/index.ts';
import { supportArea } from './support/index.ts';

export const areas: readonly Area[] = [accountsArea, billingArea, supportArea];
