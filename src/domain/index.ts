/** The reference domain: what the service of this repository is about. */
import type { Area } from '../area.ts';
import { accountsArea } from './accounts/index.ts';
import { billingArea } from './billing/index.ts';
import { supportArea } from './support/index.ts';

export const areas: readonly Area[] = [accountsArea, billingArea, supportArea];
