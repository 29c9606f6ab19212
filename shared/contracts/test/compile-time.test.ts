import { describe, expect, it } from 'vitest';
import type { MessageOf, Transaction } from '@waggle/kernel';
import { onCommand, onEvent } from '@waggle/kernel';
import { z } from 'zod';
import { defineEvent } from '../src/index.ts';
import * as language from '../testing/parcels.ts';
import { parcelArrived, parcelReturned, sendParcel } from '../testing/parcels.ts';

/** Collects instead of sending; what counts here is what compiles. */
function collecting() {
  const published: string[] = [];
  const sent: string[] = [];
  const tx: Pick<Transaction, 'publish' | 'send'> = {
    publish: (...events) => void published.push(...events.map(({ type }) => type)),
    send: (...commands) => void sent.push(...commands.map(({ type }) => type)),
  };
  return { tx, published, sent };
}

const nothing = async (): Promise<void> => undefined;

// Each `@ts-expect-error` fails `npm run check` on the day its mistake begins to compile.
describe('what does not compile', () => {
  it('is to publish a command, or to send an event', () => {
    const { tx, published, sent } = collecting();
    tx.publish(parcelArrived(parcelArrived.example));
    tx.send(sendParcel(sendParcel.example));
    // @ts-expect-error a command is no fact to announce
    tx.publish(sendParcel(sendParcel.example));
    // @ts-expect-error an event is no request
    tx.send(parcelArrived(parcelArrived.example));
    expect([published.length, sent.length]).toEqual([2, 2]);
  });

  it('is to handle a command as an event, or an event as a command', () => {
    // @ts-expect-error commands have one group, their service's
    expect(onEvent('take', sendParcel, nothing).name).toBe('take');
    // @ts-expect-error events have as many groups as want them
    expect(onCommand('tell', parcelArrived, nothing).name).toBe('tell');
  });

  it('is data of another shape', () => {
    // @ts-expect-error the customer is missing
    expect(() => parcelArrived({ parcelId: 'p-1' })).toThrow('data.customerId');
    // @ts-expect-error a parcel id is text
    expect(() => parcelArrived({ parcelId: 1, customerId: 'c-1' })).toThrow('data.parcelId');
    const declaration = { description: 'A sample was measured.', schema: z.object({ n: z.int() }) };
    // @ts-expect-error an example is data as well
    expect(() => defineEvent('lab.measured.v1', { ...declaration, example: {} })).toThrow('data.n');
  });

  it('is a type that nobody declared', () => {
    expect((language as Readonly<Record<string, unknown>>)['parcelLost']).toBeUndefined();
    // @ts-expect-error a type by its name alone is no contract
    expect(onEvent('ship', 'parcels.parcel-lost.v1', nothing).name).toBe('ship');
    const { tx } = collecting();
    // @ts-expect-error a message comes from a contract, not from its name
    expect(() => tx.publish('parcels.parcel-lost.v1')).not.toThrow();
    // @ts-expect-error nor from an object that looks like one
    tx.publish({ kind: 'event', type: 'parcels.parcel-lost.v1', data: {} });
    // @ts-expect-error also if the type is declared
    tx.publish({ kind: 'event', type: parcelArrived.type, data: 42 });
  });

  it('is to read what the event of a handler does not carry', () => {
    const handler = onEvent('tell', [parcelArrived, parcelReturned], async (event) => {
      if (event.type === parcelReturned.type) return void event.data.reason.length;
      // @ts-expect-error only a return has a reason
      void event.data.reason;
      // @ts-expect-error there is no third type
      void (event.type === 'parcels.parcel-lost.v1');
    });
    expect(handler.contracts).toEqual([parcelArrived, parcelReturned]);
  });

  it('is a message of a contract with data that its handler would not understand', () => {
    const message: Pick<MessageOf<typeof parcelArrived>, 'type' | 'data'> = {
      type: 'parcels.parcel-arrived.v1',
      // @ts-expect-error the customer is missing
      data: { parcelId: 'p-1' },
    };
    expect(parcelArrived.check(message.data)).toContain('data.customerId');
  });
});
