import { randomUUID } from 'node:crypto';
import type { CloudEvent } from '@waggle/kernel';
import type { OutgoingMessage } from '@waggle/messaging';

export const EVENT_TYPE = 'testing.thing-happened.v1';
export const COMMAND_TYPE = 'testing.do-thing.v1';
/** The context, and so the queue, of the commands. */
export const CONTEXT = 'testing';
export const GROUP = 'tester.first';
export const OTHER_GROUP = 'tester.second';

export function event(attributes: Partial<CloudEvent> = {}): CloudEvent {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: '/contract',
    type: EVENT_TYPE,
    time: new Date().toISOString(),
    data: {},
    ...attributes,
  };
}

/** `count` events with `data.index` from 0, spread over eight keys. */
export function events(
  count: number,
  attributes: (index: number) => Partial<CloudEvent> = () => ({}),
): readonly CloudEvent[] {
  return Array.from({ length: count }, (_, index) =>
    event({ data: { index }, partitionkey: `key-${index % 8}`, ...attributes(index) }),
  );
}

export function command(attributes: Partial<CloudEvent> = {}): CloudEvent {
  return event({ type: COMMAND_TYPE, ...attributes });
}

/** A message as a driver is given it: bytes that mean nothing to anybody. */
export function raw(message: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    to: { kind: 'stream' },
    lane: 'unordered',
    type: EVENT_TYPE,
    id: randomUUID(),
    contentType: 'application/octet-stream',
    headers: {},
    body: new TextEncoder().encode('something'),
    ...message,
  };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function ids(messages: readonly { readonly id: string }[]): readonly string[] {
  return messages.map(({ id }) => id).toSorted();
}

/** The lane of a key as `docs/wire.md` has it, written a second time so that a foreign client is a stranger. */
export function laneOf(key: string, lanes: number): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % lanes;
}

/** One key for each lane, so that something waits in every lane. */
export function keysOfEveryLane(lanes: number): readonly string[] {
  const keys = new Map<number, string>();
  for (let index = 0; keys.size < lanes; index++) keys.set(laneOf(`key-${index}`, lanes), `key-${index}`);
  return [...keys.values()];
}
