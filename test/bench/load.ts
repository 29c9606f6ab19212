import { parcelPosted } from '@waggle/contracts/testing';
import type { CloudEvent } from '@waggle/kernel';

/** Most that is sent and not confirmed, and most that is taken and not acknowledged. */
export const IN_FLIGHT = 256;
export const TYPE = 'bench.thing-happened.v1';
export const GROUP = 'bench.count-things';
const BYTES = 500;

const PADDING = 'x'.repeat(BYTES - Buffer.byteLength(JSON.stringify(assemble(100_000, 'key-100', ''))));

/** Of 500 bytes as structured JSON, give or take the digits of its number. */
export const eventOf = (index: number, key?: string): CloudEvent => assemble(index, key, PADDING);

/** One that a contract declares; of 500 bytes as well. */
export function parcelOf(index: number): CloudEvent {
  const parcelId = `parcel-${index % 1_000}`;
  return {
    ...attributesOf(index, parcelId),
    type: parcelPosted.type,
    data: { ...parcelPosted.example, parcelId },
  };
}

function assemble(index: number, key: string | undefined, text: string): CloudEvent {
  return { ...attributesOf(index, key), type: TYPE, data: { index, text } };
}

function attributesOf(index: number, key: string | undefined) {
  return {
    specversion: '1.0',
    id: `0198f0d4-7d3c-7b2e-${process.pid}-${index}`,
    source: '/bench',
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    ...(key !== undefined && { partitionkey: key }),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  } as const;
}

/** As many as are to be measured: made before the clock starts, as making them is no broker's work. */
export const manyOf = (count: number, make: (index: number) => CloudEvent): readonly CloudEvent[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Sends all, at most `IN_FLIGHT` of them at a time. */
export async function inFlight(
  events: readonly CloudEvent[],
  send: (event: CloudEvent) => Promise<unknown>,
): Promise<void> {
  const left = events.values();
  const worker = async (): Promise<void> => {
    for (const event of left) await send(event);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** A handler that tells when it has been called often enough. */
export function counter(count: number) {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let left = count;
  const handle = (): void => {
    if (--left === 0) resolve();
  };
  return { handle, done };
}

/** How many of them a second, while `work` takes its time. */
export async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const beganAt = performance.now();
  await work();
  return (count * 1_000) / (performance.now() - beganAt);
}
