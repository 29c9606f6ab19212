import { z } from 'zod';

/** An amount in the minor unit of its currency (cents), so that nothing is ever rounded. ISO 4217 names the currency. */
export const moneySchema = z.object({
  amountMinor: z.int().nonnegative(),
  currency: z.string().regex(/^[A-Z]{3}$/),
});
