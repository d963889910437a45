/**
 * A credit is large above 500.00 of the account's currency, whichever that is. The limit is on the amount
 * as written, so it can be told from the input alone and the permission be asked for before anything is read.
 */
import { moneyOf } from '../kernel/money.ts';

/** Three decimals, the most a currency has: any amount can be compared in them. */
const finest = 'KWD';
const limit = moneyOf('500', finest);

export const isLargeCredit = (amount: string): boolean => moneyOf(amount, finest).minor > limit.minor;
