import type { Consumer, Contracts, Cursor, EventStream, Recorded, Subscription } from '@waggle/kernel';
import { checkGroup, checkTypePattern, matchesType, MessagingError } from '@waggle/kernel';
import { backoff } from './backoff.ts';
import { decode, Undecodable } from './codec.ts';
import { checkOptions, consumerDefaults, startConsumer } from './consumer.ts';
import type { DispatcherServices } from './dispatcher.ts';
import { createDispatcher } from './dispatcher.ts';
import type { BrokerDriver, GroupDeclaration } from './driver.ts';
import { createHeldLanes } from './dead-letters/held-lanes.ts';
import { withMiddleware } from './middleware.ts';
import type { Middleware } from './middleware.ts';
import type { Publisher } from './publisher.ts';
import { publishOrThrow } from './publisher.ts';
import { upcast, withPredecessors } from './upcast.ts';

const OPTIONS = [
  'group',
  'types',
  'from',
  'ordering',
  'unhandled',
  'afterDeadLetter',
  'concurrency',
  'retry',
  'timeoutMs',
];

/** What a subscription declares on the broker. @throws MessagingError `invalid` */
export function groupDeclaration(
  { group, types, from = 'new', ordering = 'by-key', afterDeadLetter = 'continue' }: Subscription,
  contracts?: Contracts,
): GroupDeclaration {
  checkGroup(group);
  checkAfterDeadLetter(group, ordering, afterDeadLetter);
  if (types.length === 0)
    throw new MessagingError('invalid', `${group} subscribes to no types: name at least one`);
  types.forEach(checkTypePattern);
  return { group, types: withPredecessors(types, contracts), from, ordering };
}

/** @throws MessagingError `invalid` */
function checkAfterDeadLetter(group: string, ordering: string, afterDeadLetter: string): void {
  if (!['continue', 'halt'].includes(afterDeadLetter)) {
    const got = `afterDeadLetter is "${afterDeadLetter}"`;
    throw new MessagingError('invalid', `${group}: ${got}: use "continue" or "halt"`);
  }
  if (afterDeadLetter === 'halt' && ordering === 'none') {
    const why = 'without order nothing can wait for a dead letter';
    throw new MessagingError(
      'invalid',
      `${group}: afterDeadLetter is "halt" and ordering is "none": ${why}: use ordering "by-key", or "continue"`,
    );
  }
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
      const declaration = groupDeclaration(subscription, services.contracts);
      const { group, types, ordering } = declaration;
      const { concurrency, timeoutMs } = consumerDefaults(subscription);
      const retry = backoff(subscription.retry);
      const heldLanes =
        subscription.afterDeadLetter === 'halt'
          ? createHeldLanes({ ...services, consumer: group, retry })
          : undefined;
      const dispatch = createDispatcher(
        {
          consumer: group,
          origin: 'stream',
          types,
          unhandled: subscription.unhandled ?? 'skip',
          ordered: ordering === 'by-key',
          timeoutMs,
          retry,
          heldLanes,
        },
        withMiddleware(middleware, handler),
        services,
      );
      await driver.declare({ groups: [declaration] });
      await heldLanes?.open();
      const source = { kind: 'group', group } as const;
      const onMissed = (count: number): void => {
        const advice = 'let the stream keep more, or the group be quicker';
        services.logger.error('the retention discarded what was not handled', { group, count, advice });
        services.observer?.({ what: 'missed', consumer: group, count });
      };
      const left = (): void => heldLanes?.close();
      const options = { source, ordering, concurrency, onMissed };
      const consumer = await startConsumer(driver, options, dispatch, { ...services, left });
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
      const known = withPredecessors(types, services.contracts);
      const wanted = (type: string): boolean => known.some((pattern) => matchesType(pattern, type));
      for await (const { message, position } of driver.read({ kind: 'stream' }, { from, follow, signal })) {
        if (message.type !== undefined && !wanted(message.type)) continue;
        try {
          const event = upcast(decode(message), known, services.contracts);
          if (wanted(event.type)) yield { event, cursor: position as Cursor };
        } catch (error) {
          if (!(error instanceof Undecodable)) throw error;
          services.logger.warn('passed over while reading', { position, reason: error.message });
        }
      }
    },
  };
}
