import { z } from 'zod';
import { defineCommand, defineEvent, moneySchema } from '../src/index.ts';

/**
 * Contracts that only tests speak, so that none of them needs a service to be there. No host knows them unless it is told:
 * `startHost({ contracts: createRegistry(parcels) })`.
 */
const parcel = z.object({ parcelId: z.string().min(1), customerId: z.string().min(1) });
const key = (data: { readonly parcelId: string }): string => data.parcelId;

export const parcelArrived = defineEvent('parcels.parcel-arrived.v1', {
  description: 'A parcel arrived.',
  schema: parcel,
  key,
  example: { parcelId: 'parcel-1', customerId: 'customer-1' },
});

export const parcelReturned = defineEvent('parcels.parcel-returned.v1', {
  description: 'A parcel came back.',
  schema: parcel.extend({ reason: z.string() }),
  key,
  example: { parcelId: 'parcel-1', customerId: 'customer-1', reason: 'nobody at home' },
});

/** As large as an event that carries all that others need. */
export const parcelPosted = defineEvent('parcels.parcel-posted.v1', {
  description: 'A parcel was posted, with this in it.',
  schema: parcel.extend({
    lines: z
      .array(z.object({ sku: z.string().min(1), quantity: z.int().positive(), unitPrice: moneySchema }))
      .min(1),
    total: moneySchema,
  }),
  key,
  example: {
    parcelId: 'parcel-1',
    customerId: 'customer-1',
    lines: [{ sku: 'honey-jar', quantity: 2, unitPrice: { amountMinor: 1250, currency: 'EUR' } }],
    total: { amountMinor: 2500, currency: 'EUR' },
  },
});

export const sendParcel = defineCommand('parcels.send-parcel.v1', {
  description: 'Asks for a parcel to be sent.',
  schema: parcel,
  key,
  example: { parcelId: 'parcel-1', customerId: 'customer-1' },
});
