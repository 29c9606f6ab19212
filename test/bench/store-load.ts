import { silentLogger } from '@waggle/kernel';
import type { OutboxMessage, Store, StoreSettings } from '@waggle/messaging';
import { createEventStore, partitionOf, randomIds, systemClock } from '@waggle/messaging';
import { perSecond } from './load.ts';

/** Rows of one commit that fills a table. */
export const FILLED = 5_000;

const DATA = { text: 'x'.repeat(200), amount: 1_250 };
const METADATA = { correlationid: '0198f0d4-7d3c-7b2e-8000-000000000000' };

/** As somebody writes it who has nothing between him and his database. */
export interface BareEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

export const settingsFor = (namespace: string): StoreSettings => ({
  namespace,
  topology: 'declare',
  requestTimeoutMs: 60_000,
  logger: silentLogger,
});

export const eventsOf = (store: Store) =>
  createEventStore({ store, service: 'bench', clock: systemClock, ids: randomIds });

export const someEvents = (count: number) =>
  Array.from({ length: count }, () => ({ type: 'thing-happened', data: DATA, metadata: METADATA }));

export const someBare = (count: number): readonly BareEvent[] =>
  Array.from({ length: count }, () => ({
    id: randomIds.next(),
    type: 'thing-happened',
    data: JSON.stringify(DATA),
    metadata: JSON.stringify(METADATA),
  }));

let streams = 0;
export const nextStream = (): string => `bench-${process.pid}-${++streams}`;

/** Appends one after the other to each of so many streams; events a second. */
export async function appendTo(
  writers: number,
  appends: number,
  batch: number,
  begin: (stream: string) => Promise<unknown>,
  append: (stream: string, expected: number) => Promise<unknown>,
): Promise<number> {
  const names = Array.from({ length: writers }, nextStream);
  await Promise.all(names.map(begin));
  const each = Math.ceil(appends / writers);
  return perSecond(each * writers * batch, () =>
    Promise.all(
      names.map(async (name) => {
        for (let turn = 0; turn < each; turn++) await append(name, turn * batch);
      }),
    ),
  );
}

export async function fill(store: Store, count: number, encoded: (index: number) => string): Promise<void> {
  for (let from = 0; from < count; from += FILLED) {
    const outbox = Array.from({ length: Math.min(FILLED, count - from) }, (_, n): OutboxMessage => {
      const key = `key-${from + n}`;
      const partition = partitionOf(key);
      return { kind: 'event', id: randomIds.next(), key, partition, body: encoded(from + n) };
    });
    await store.commit('bench', { timeMs: Date.now(), outbox });
  }
}
