import type { Consumer } from '@waggle/kernel';
import type { Messaging } from '@waggle/messaging';
import type { Routes } from './identifiers.ts';
import type { Metrics } from './metrics.ts';

export interface OperationsOptions {
  readonly services: readonly string[];
  readonly broker: string;
  readonly store: string;
  readonly messaging: Messaging;
  readonly consumers: ReadonlyMap<string, Consumer>;
  readonly metrics: Metrics;
  /** Whether the host takes work: started, and not draining. */
  readonly isReady: () => boolean;
}

/** `/livez` for the process, `/readyz` for the load balancer, `/health` for people, `/metrics` for Prometheus. */
export function operations(options: OperationsOptions): Routes {
  const { services, broker, store, messaging, consumers, metrics, isReady } = options;
  const startedAt = performance.now();

  async function lags() {
    const entries = [...consumers].map(
      async ([name, consumer]) => [name, await consumer.lag().catch(() => null)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  return (router) => {
    router.get('/livez', (context) => context.json({ status: 'ok' }));
    router.get('/readyz', (context) => {
      const ready = isReady() && messaging.status === 'open';
      const status = ready ? 'ok' : isReady() ? `broker ${messaging.status}` : 'not ready';
      return context.json({ status }, ready ? 200 : 503);
    });
    router.get('/health', async (context) =>
      context.json({
        status: isReady() ? 'ok' : 'not ready',
        uptimeSeconds: Math.round((performance.now() - startedAt) / 1000),
        services,
        broker: { name: broker, status: messaging.status },
        store: { name: store },
        consumers: await lags(),
      }),
    );
    router.get('/metrics', async (context) =>
      context.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
    );
  };
}
