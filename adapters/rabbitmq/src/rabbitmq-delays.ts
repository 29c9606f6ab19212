import { delayLevel } from '@waggle/messaging';
import { ensure, isBound, QUORUM } from './rabbitmq-ensure.ts';
import type { Session } from './rabbitmq-session.ts';

/** An exchange and a queue for each delay, in which retries wait. */
export async function makeDelays(session: Session, levels: readonly number[]): Promise<void> {
  const queues = levels.map((level) => {
    const args = {
      ...QUORUM,
      'x-message-ttl': level,
      'x-dead-letter-exchange': '',
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    };
    const name = session.names.delay(level);
    return { name, args, exchange: name, keys: [''] };
  });
  const exchanges = queues.map(({ name }) => ({ name, type: 'fanout' as const }));
  await ensure(session, exchanges);
  await ensure(session, queues);
}

/** Makes each on first use. Who only binds asks once on a connection for one that is not there. */
export function createDelays(session: Session) {
  const made = new Map<number, Promise<void>>();
  return {
    forget: () => made.clear(),
    /** The exchange that delays for `delayMs` at least. */
    async exchange(delayMs: number): Promise<string> {
      const level = delayLevel(delayMs);
      const making = made.get(level) ?? makeDelays(session, [level]);
      made.set(level, making);
      if (!isBound(session)) making.catch(() => made.delete(level));
      await making;
      return session.names.delay(level);
    },
  };
}
