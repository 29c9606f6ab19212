import type { Consumer, MessageQueue } from '@waggle/kernel';
import { checkName, checkTypePattern } from '@waggle/kernel';
import { backoff } from './backoff.ts';
import { checkOptions, consumerDefaults, startConsumer } from './consumer.ts';
import type { DispatcherServices } from './dispatcher.ts';
import { createDispatcher } from './dispatcher.ts';
import type { BrokerDriver } from './driver.ts';
import { withMiddleware } from './middleware.ts';
import type { Middleware } from './middleware.ts';
import type { Publisher } from './publisher.ts';
import { publishOrThrow } from './publisher.ts';
import { withPredecessors } from './upcast.ts';

const OPTIONS = ['context', 'types', 'concurrency', 'retry', 'timeoutMs'];

export function createMessageQueue(
  driver: BrokerDriver,
  publisher: Publisher,
  services: DispatcherServices,
  middleware: readonly Middleware[],
  register: (consumer: Consumer) => void,
): MessageQueue {
  async function declare(context: string): Promise<void> {
    checkName('context', context);
    await driver.declare({ queues: [context] });
  }

  return {
    declare,
    send: (...commands) => publishOrThrow(publisher, 'command', commands),
    async receive(options, handler) {
      checkOptions(`queue ${options.context}`, options, OPTIONS);
      const { context, types = ['*'] } = options;
      types.forEach(checkTypePattern);
      const { concurrency, timeoutMs } = consumerDefaults(options);
      const dispatch = createDispatcher(
        {
          consumer: context,
          origin: 'queue',
          types: withPredecessors(types, services.contracts),
          unhandled: 'dead-letter',
          ordered: true,
          timeoutMs,
          retry: backoff(options.retry),
        },
        withMiddleware(middleware, handler),
        services,
      );
      await declare(context);
      const source = { kind: 'queue', context } as const;
      const consumer = await startConsumer(
        driver,
        { source, ordering: 'by-key', concurrency },
        dispatch,
        services,
      );
      register(consumer);
      return consumer;
    },
  };
}
