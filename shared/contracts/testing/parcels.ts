import { z } from 'zod';
import { defineCommand, defineEvent } from '../src/index.ts';

/** Contracts that only tests speak. */
const parcel = z.object({ parcelId: z.string(), customerId: z.string() });

export const parcelArrived = defineEvent('parcels.parcel-arrived.v1', {
  description: 'A parcel arrived.',
  schema: parcel,
  example: { parcelId: 'p-1', customerId: 'c-1' },
});

export const parcelReturned = defineEvent('parcels.parcel-returned.v1', {
  description: 'A parcel came back.',
  schema: parcel.extend({ reason: z.string() }),
  example: { parcelId: 'p-1', customerId: 'c-1', reason: 'nobody at home' },
});

export const sendParcel = defineCommand('parcels.send-parcel.v1', {
  description: 'Asks for a parcel to be sent.',
  schema: parcel,
  example: { parcelId: 'p-1', customerId: 'c-1' },
});
