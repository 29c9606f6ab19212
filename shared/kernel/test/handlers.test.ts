import { describe, expect, it } from 'vitest';
import type { EventContract, CommandContract, NewMessage } from '../src/index.ts';
import { declaredMessage, MessagingError, onCommand, onEvent, silentLogger } from '../src/index.ts';

const rest = { description: 'for the test', example: {}, check: () => undefined, jsonSchema: () => ({}) };

function event<const Type extends string>(type: Type): EventContract<Type, object> {
  const make = (data: object): NewMessage<'event', Type, object> =>
    declaredMessage({ kind: 'event', type, data });
  return Object.assign(make, { kind: 'event', type, ...rest } as const);
}

function command<const Type extends string>(type: Type): CommandContract<Type, object> {
  const make = (data: object): NewMessage<'command', Type, object> =>
    declaredMessage({ kind: 'command', type, data });
  return Object.assign(make, { kind: 'command', type, ...rest } as const);
}

const placed = event('parcels.parcel-posted.v1');
const confirmed = event('parcels.parcel-arrived.v1');
const take = command('parcels.send-parcel.v1');
const nothing = async (): Promise<void> => undefined;

describe('a handler', () => {
  it('of one event is declared with its name, its contract and no options of its own', () => {
    const handler = onEvent('plan', placed, nothing);
    expect(handler).toEqual({
      kind: 'event',
      name: 'plan',
      contracts: [placed],
      options: {},
      handle: nothing,
    });
  });

  it('of several events is one group for all of them', () => {
    expect(onEvent('plan', [placed, confirmed], nothing).contracts).toEqual([placed, confirmed]);
  });

  it('of a command keeps the options that it was given', () => {
    const options = { concurrency: 2, timeoutMs: 5, retry: { maxAttempts: 1 } };
    expect(onCommand('take', take, nothing, options)).toMatchObject({ kind: 'command', options });
  });

  it('of an event can be told where to begin, in which order, and what becomes of what nobody declared', () => {
    const options = { from: 'beginning', ordering: 'none', unhandled: 'dead-letter' } as const;
    expect(onEvent('plan', placed, nothing, options)).toMatchObject({ kind: 'event', options });
  });

  it.each(['', 'Plan', 'plan shipment', 'plan.shipment', '1st', 'plän', 'a'.repeat(300)])(
    'cannot be named "%s", since its name becomes a group',
    (name) => {
      expect(() => onEvent(name, placed, nothing)).toThrow(MessagingError);
      expect(() => onCommand(name, take, nothing)).toThrow('cannot name a handler');
    },
  );

  it('reacts to its own kind alone, or does not compile', () => {
    // @ts-expect-error a command is not something that happened
    expect(onEvent('plan', take, nothing).kind).toBe('event');
    // @ts-expect-error an event is not a request
    expect(onCommand('take', placed, nothing).kind).toBe('command');
    // @ts-expect-error commands have one order: their queue's
    expect(onCommand('take', take, nothing, { ordering: 'none' }).kind).toBe('command');
    // @ts-expect-error what is in a queue is for its one group: nobody else would handle it
    expect(onCommand('take', take, nothing, { unhandled: 'skip' }).kind).toBe('command');
  });
});

describe('the silent logger', () => {
  it('says nothing and breaks nothing', () => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      expect(silentLogger[level]('message', { circular: silentLogger })).toBeUndefined();
    }
  });
});
