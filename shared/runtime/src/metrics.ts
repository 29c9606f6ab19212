import type { Observation } from '@waggle/kernel';
import type { Lags } from './lags.ts';

const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30];

export interface Metrics {
  observe(observation: Observation): void;
  /** Loads the library that counts; until then observations wait. A start does not wait for it. */
  load(): Promise<void>;
  /** In the text format of Prometheus. */
  read(lags: Lags): Promise<{ readonly text: string; readonly contentType: string }>;
  /** How many messages this consumer was told that the retention discarded before it came to them. */
  missedBy(consumer: string): number;
}

/**
 * Counts what the observer sees.
 * @param isDeclared whether a type is part of the published language: strangers may write any into a queue, and each
 * value of a label costs memory for ever, so that the others are counted as `other`
 */
export function createMetrics(isDeclared: (type: string) => boolean): Metrics {
  const early: Observation[] = [];
  const missed = new Map<string, number>();
  let instruments: Instruments | undefined;
  let loading: Promise<Instruments> | undefined;

  async function create(): Promise<Instruments> {
    instruments = await createInstruments();
    for (const observation of early.splice(0)) count(instruments, observation);
    return instruments;
  }
  const loaded = (): Promise<Instruments> => (loading ??= create());

  function count({ messages, handling, age }: Instruments, observation: Observation): void {
    const { what, count: times = 1, type = '', consumer = '', durationMs, ageMs } = observation;
    messages.inc({ what, type: isDeclared(type) ? type : 'other', consumer }, times);
    if (consumer !== '' && durationMs !== undefined) handling.observe({ consumer, what }, durationMs / 1000);
    if (ageMs !== undefined) age.observe({ consumer }, Math.max(0, ageMs) / 1000);
  }

  return {
    observe(observation) {
      const { what, consumer = '', count: times = 1 } = observation;
      if (what === 'missed') missed.set(consumer, (missed.get(consumer) ?? 0) + times);
      if (instruments === undefined) early.push(observation);
      else count(instruments, observation);
    },
    load: async () => void (await loaded()),
    missedBy: (consumer) => missed.get(consumer) ?? 0,
    async read(lags) {
      const { registry, behind } = await loaded();
      behind.reset();
      for (const [consumer, lag] of lags) if (lag !== undefined) behind.set({ consumer }, lag);
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
  };
}

type Instruments = Awaited<ReturnType<typeof createInstruments>>;

async function createInstruments() {
  const { Counter, Gauge, Histogram, Registry } = await import('prom-client');
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    messages: new Counter({
      name: 'waggle_messages_total',
      help: 'What happened to messages',
      labelNames: ['what', 'type', 'consumer'],
      registers,
    }),
    handling: new Histogram({
      name: 'waggle_handling_seconds',
      help: 'How long handlings took',
      labelNames: ['consumer', 'what'],
      buckets: SECONDS,
      registers,
    }),
    age: new Histogram({
      name: 'waggle_message_age_seconds',
      help: 'From the time of a message to the end of its handling',
      labelNames: ['consumer'],
      buckets: SECONDS,
      registers,
    }),
    behind: new Gauge({
      name: 'waggle_consumer_lag',
      help: 'Messages that are not settled yet, over all members',
      labelNames: ['consumer'],
      registers,
    }),
  };
}
