import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Consumer, Observation } from '@waggle/kernel';

const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30];

export interface Metrics {
  observe(observation: Observation): void;
  /** Asked for its lag whenever the metrics are read. */
  watch(name: string, consumer: Consumer): void;
  /** In the text format of Prometheus. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Counts what the observer sees. */
export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const consumers = new Map<string, Consumer>();
  const messages = new Counter({
    name: 'waggle_messages_total',
    help: 'What happened to messages',
    labelNames: ['what', 'type', 'consumer'],
    registers,
  });
  const handling = new Histogram({
    name: 'waggle_handling_seconds',
    help: 'How long handlings took',
    labelNames: ['consumer', 'what'],
    buckets: SECONDS,
    registers,
  });
  const age = new Histogram({
    name: 'waggle_message_age_seconds',
    help: 'From the time of a message to the end of its handling',
    labelNames: ['consumer'],
    buckets: SECONDS,
    registers,
  });
  new Gauge({
    name: 'waggle_consumer_lag',
    help: 'Messages that are not settled yet, over all members',
    labelNames: ['consumer'],
    registers,
    async collect() {
      for (const [consumer, { lag }] of consumers) {
        const messagesBehind = await lag().catch(() => undefined);
        if (messagesBehind !== undefined) this.set({ consumer }, messagesBehind);
      }
    },
  });

  return {
    observe({ what, type = 'unknown', consumer = '', durationMs, ageMs }) {
      messages.inc({ what, type, consumer });
      if (consumer !== '' && durationMs !== undefined)
        handling.observe({ consumer, what }, durationMs / 1000);
      if (ageMs !== undefined) age.observe({ consumer }, Math.max(0, ageMs) / 1000);
    },
    watch: (name, consumer) => void consumers.set(name, consumer),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
