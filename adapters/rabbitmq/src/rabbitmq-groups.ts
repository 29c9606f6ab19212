import { MessagingError } from '@waggle/kernel';
import { checkDeclared, describeEnrolment, persist, systemClock } from '@waggle/messaging';
import type { ConsumeOptions, TopologyResource } from '@waggle/messaging';
import { withChannel } from './rabbitmq-channel.ts';
import { isNotFound } from './rabbitmq-errors.ts';
import { membersQueue, pumpQueue, queuesOf } from './rabbitmq-names.ts';
import type { Session } from './rabbitmq-session.ts';

type Source = ConsumeOptions['source'];
const ORDERINGS = ['by-key', 'none'] as const;

/**
 * Counts what is ready in the queues, what this process holds and what it put off, and who consumes them. Without the
 * management API it cannot see what other processes hold or put off. Nothing of what does not exist.
 */
async function standingOf(session: Session, base: string, ordering: ConsumeOptions['ordering']) {
  const { model, known, settings } = session;
  const look = withChannel(model, async (channel) => {
    let [lag, consumers] = [0, 0];
    for (const { name } of queuesOf(base, ordering, settings.lanes)) {
      const queue = await channel.checkQueue(name);
      lag += queue.messageCount + (known.unsettled.get(name) ?? 0);
      consumers += queue.consumerCount;
    }
    const members = (await channel.checkQueue(membersQueue(base))).consumerCount;
    return { lag, inUse: members > 0, isConsumed: members + consumers > 0 };
  });
  return look.catch((error: unknown) => (isNotFound(error) ? undefined : Promise.reject(error)));
}

export async function lagOf(session: Session, source: Source): Promise<number> {
  const base = session.names.base(source);
  const known = session.known.enrolled.get(base) ?? (await session.registry.read()).get(base)?.enrolment;
  const standing = await standingOf(session, base, known?.ordering ?? 'by-key');
  return checkDeclared('rabbitmq', base, standing, {}).lag;
}

/** Every group and queue of the namespace that exists. */
export async function describeSources(session: Session): Promise<readonly TopologyResource[]> {
  const described: TopologyResource[] = [];
  for (const { name, enrolment } of (await session.registry.read()).values()) {
    if (enrolment === undefined) continue;
    const standing = await standingOf(session, name, enrolment.ordering);
    if (standing !== undefined) described.push(describeEnrolment(name, enrolment, standing));
  }
  return described;
}

/** For members that are just leaving. */
const GRACE_MS = 1_000;

/**
 * Removes all queues of a source, unless somebody consumes one of them; a quorum queue counts who has left for a moment longer.
 * The members queue goes first, which the server only does while it has no consumers, so that nobody joins any more; then the
 * registry tells the pumps of idle processes, whose queue is next, to end. What fails in between is completed the next time.
 * @throws MessagingError `conflict`
 */
export async function remove(session: Session, source: Source): Promise<void> {
  const { model, names, known, settings, gone, registry } = session;
  const base = names.base(source);
  const inUse = new MessagingError('conflict', `[rabbitmq] ${base} is in use: stop its consumers`);
  const demandIdle = async (): Promise<void> => {
    const all = await Promise.all(ORDERINGS.map((ordering) => standingOf(session, base, ordering)));
    if (all.some((one) => one?.isConsumed)) throw inUse;
  };
  await persist(systemClock, gone, (error) => error === inUse, GRACE_MS, demandIdle);
  await withChannel(model, (channel) => channel.deleteQueue(membersQueue(base), { ifUnused: true }));
  await registry.strike(base);
  known.enrolled.delete(base);
  if (source.kind === 'group') known.pumped.delete(source.group);
  await withChannel(model, async (channel) => {
    await channel.deleteQueue(pumpQueue(base));
    for (const ordering of ORDERINGS)
      for (const { name } of queuesOf(base, ordering, settings.lanes)) await channel.deleteQueue(name);
  });
}
