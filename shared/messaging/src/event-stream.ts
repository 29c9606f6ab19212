import type { Consumer, Cursor, EventStream, Recorded, Subscription } from '@waggle/kernel';
import { checkGroup, checkTypePattern, matchesType, MessagingError } from '@waggle/kernel';
import { backoff } from './backoff.ts';
import { decode, Undecodable } from './codec.ts';
import { checkOptions, consumerDefaults, startConsumer } from './consumer.ts';
import type { DispatcherServices } from './dispatcher.ts';
import { createDispatcher } from './dispatcher.ts';
import type { BrokerDriver, GroupDeclaration } from './driver.ts';
import { withMiddleware } from './middleware.ts';
import type { Middleware } from './middleware.ts';
import type { Publisher } from './publisher.ts';
import { publishOrThrow } from './publisher.ts';

const OPTIONS = ['group', 'types', 'from', 'ordering', 'unhandled', 'concurrency', 'retry', 'timeoutMs'];

/** What a subscription declares on the broker. @throws MessagingError `invalid` */
export function groupDeclaration({
  group,
  types,
  from = 'new',
  ordering = 'by-key',
}: Subscription): GroupDeclaration {
  checkGroup(group);
  if (types.length === 0)
    throw new MessagingError('invalid', `${group} subscribes to no types: name at least one`);
  types.forEach(checkTypePattern);
  return { group, types, from, ordering };
}

export function createEventStream(
  driver: BrokerDriver,
  publisher: Publisher,
  services: DispatcherServices,
  middleware: readonly Middleware[],
  register: (consumer: Consumer) => void,
): EventStream {
  return {
    publish: (...events) => publishOrThrow(publisher, 'event', events),
    async subscribe(subscription, handler) {
      checkOptions(`subscription ${subscription.group}`, subscription, OPTIONS);
      const declaration = groupDeclaration(subscription);
      const { group, types, ordering } = declaration;
      const { concurrency, timeoutMs } = consumerDefaults(subscription);
      const dispatch = createDispatcher(
        {
          consumer: group,
          origin: 'stream',
          types,
          unhandled: subscription.unhandled ?? 'skip',
          ordered: ordering === 'by-key',
          timeoutMs,
          retry: backoff(subscription.retry),
        },
        withMiddleware(middleware, handler),
        services,
      );
      await driver.declare({ groups: [declaration] });
      const source = { kind: 'group', group } as const;
      const onMissed = (count: number): void => {
        const advice = 'let the stream keep more, or the group be quicker';
        services.logger.error('the retention discarded what was not handled', { group, count, advice });
        services.observer?.({ what: 'missed', consumer: group, count });
      };
      const options = { source, ordering, concurrency, onMissed };
      const consumer = await startConsumer(driver, options, dispatch, services);
      register(consumer);
      return consumer;
    },
    async *read({
      from = 'beginning',
      types = ['*'],
      follow = false,
      signal,
    } = {}): AsyncGenerator<Recorded> {
      types.forEach(checkTypePattern);
      const wanted = (type: string): boolean => types.some((pattern) => matchesType(pattern, type));
      for await (const { message, position } of driver.read({ kind: 'stream' }, { from, follow, signal })) {
        if (message.type !== undefined && !wanted(message.type)) continue;
        try {
          const event = decode(message);
          if (wanted(event.type)) yield { event, cursor: position as Cursor };
        } catch (error) {
          if (!(error instanceof Undecodable)) throw error;
          services.logger.warn('passed over while reading', { position, reason: error.message });
        }
      }
    },
  };
}
