import type { EventToAppend, Ids, StoredEvent, StreamEvent, StreamRange, Upcasters } from '@waggle/kernel';
import { MessagingError, positionOf } from '@waggle/kernel';
import { currentMessageContext } from '../message-context.ts';
import { checkText, toJson } from './json.ts';
import type { EventRow, EventWrite } from './store.ts';

const STREAM = /^[a-z][a-z0-9]*-[^\s\p{Cc}]{1,200}$/u;
const CATEGORY = /^[a-z][a-z0-9]*$/;

/** @throws MessagingError `invalid` */
export function checkStream(name: string): void {
  checkText('the name of a stream', name);
  if (!STREAM.test(name)) throw invalid(`"${name.slice(0, 80)}" is not a stream: write <category>-<id>`);
}

/** @throws MessagingError `invalid` */
export function checkCategory(name: string): void {
  if (!CATEGORY.test(name))
    throw invalid(`"${name.slice(0, 80)}" is not a category: write what stands before the first dash`);
}

/** @throws MessagingError `invalid` */
export function checkRange({ from, to, limit }: StreamRange): void {
  for (const [name, value] of Object.entries({ from, to, limit })) checkNumber(name, value);
}

/** @throws MessagingError `invalid` */
export function checkNumber(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value > 0)) return;
  throw invalid(`${name} is ${value}: give a whole number from 1`);
}

/** An event as it is to be written, with what the append left out. */
export function toWrite(
  stream: string,
  { id, type, schemaVersion, data, metadata }: EventToAppend,
  ids: Ids,
  upcasters: Upcasters | undefined,
): EventWrite {
  const what = `event ${type} of ${stream}`;
  if (type === '' || id === '') throw invalid(`${what} has an empty ${id === '' ? 'id' : 'type'}`);
  for (const text of [type, id ?? '']) checkText(`type or id of an ${what}`, text);
  return {
    id: id ?? ids.next(),
    type,
    schemaVersion: schemaVersion ?? upcasters?.newest(type) ?? 1,
    data: toJson(data ?? null, what),
    metadata: toJson(metadata ?? circumstances(), what),
  };
}

/** What the running code is the effect of: who reads the record later can tell why something happened. */
function circumstances(): Readonly<Record<string, unknown>> {
  const context = currentMessageContext();
  if (context === undefined) return {};
  const { correlationId: correlationid, causationId: causationid, traceparent } = context;
  return { correlationid, causationid, traceparent };
}

export function toStreamEvent(
  stream: string,
  version: number,
  { id, type, schemaVersion, data, metadata }: EventWrite,
  upcasters: Upcasters | undefined,
): StreamEvent {
  const event = {
    id,
    type,
    schemaVersion,
    data: JSON.parse(data) as unknown,
    metadata: JSON.parse(metadata) as Readonly<Record<string, unknown>>,
    stream,
    version,
  };
  return upcasters === undefined ? event : upcasters.upcast(event);
}

export function toStoredEvent(row: EventRow, upcasters: Upcasters | undefined): StoredEvent {
  return {
    ...toStreamEvent(row.stream, row.version, row, upcasters),
    position: positionOf(row.position),
    time: new Date(row.timeMs).toISOString(),
  };
}

function invalid(what: string): MessagingError {
  return new MessagingError('invalid', what);
}
