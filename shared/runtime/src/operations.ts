import type { Consumer, Logger } from '@waggle/kernel';
import { messageOf } from '@waggle/kernel';
import type { Messaging, Store } from '@waggle/messaging';
import { within } from './deadline.ts';
import type { Routes } from './identifiers.ts';
import { ANSWER_LIMIT_MS, lagsOf } from './lags.ts';
import type { Metrics } from './metrics.ts';
import type { Service } from './service.ts';

export interface OperationsOptions {
  readonly services: readonly Service[];
  /** The names that BROKER and STORE give. */
  readonly names: { readonly broker: string; readonly store: string };
  readonly messaging: Messaging;
  readonly store: Store;
  readonly consumers: ReadonlyMap<string, Consumer>;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Whether the host takes work: started, and not draining. */
  readonly isReady: () => boolean;
}

/** `/livez` for the process, `/readyz` for the load balancer, `/health` for people, `/metrics` for Prometheus. */
export function operations(options: OperationsOptions): Routes {
  const { services, names, messaging, store, consumers, metrics, logger, isReady } = options;
  const startedAt = performance.now();
  let storeWas = 'open';

  async function storeStatus(): Promise<string> {
    const answer = store.check().then(
      () => ({ status: 'open', reason: '' }),
      (error: unknown) => ({ status: 'not available', reason: messageOf(error) }),
    );
    const reason = `no answer within ${ANSWER_LIMIT_MS} ms`;
    const found = await within(ANSWER_LIMIT_MS, answer, { status: 'not available', reason });
    // Said once, and not each time somebody asks; the reason is not for everybody who may ask.
    if (found.status !== storeWas && isReady()) {
      if (found.status === 'open') logger.info('the store is available again');
      else logger.warn('the store is not available', { reason: found.reason });
      storeWas = found.status;
    }
    return found.status;
  }

  return (router) => {
    router.get('/livez', (context) => context.json({ status: 'ok' }));
    router.get('/readyz', async (context) => {
      const notReady = isReady()
        ? [
            ...(messaging.status === 'open' ? [] : [`broker ${messaging.status}`]),
            ...[await storeStatus()].filter((status) => status !== 'open').map((status) => `store ${status}`),
          ]
        : ['not ready'];
      return context.json({ status: notReady.join(', ') || 'ok' }, notReady.length === 0 ? 200 : 503);
    });
    router.get('/health', async (context) => {
      const [stored, lags] = await Promise.all([storeStatus(), lagsOf(messaging, consumers)]);
      const detached = [...consumers].flatMap(([name, { isAttached }]) => (isAttached ? [] : [name]));
      const whole = messaging.status === 'open' && stored === 'open' && detached.length === 0;
      return context.json({
        status: !isReady() ? 'not ready' : whole ? 'ok' : 'degraded',
        uptimeSeconds: Math.round((performance.now() - startedAt) / 1000),
        services: services.map(({ name }) => name),
        messages: Object.fromEntries(services.map((service) => [service.name, saidBy(service)])),
        broker: { name: names.broker, status: messaging.status },
        store: { name: names.store, status: stored },
        consumers: Object.fromEntries(
          [...lags].map(([name, lag]) => [name, { lag: lag ?? null, missed: metrics.missedBy(name) }]),
        ),
        detached,
      });
    });
    router.get('/metrics', async (context) => {
      const { text, contentType } = await metrics.read(await lagsOf(messaging, consumers));
      return context.body(text, 200, { 'content-type': contentType });
    });
  };
}

/** What a service says to others, by type. */
function saidBy({ publishes, sends }: Service) {
  return { publishes: publishes.map(({ type }) => type), sends: sends.map(({ type }) => type) };
}
