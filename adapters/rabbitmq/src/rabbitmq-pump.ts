import type { ConfirmChannel, ConsumeMessage, Message, Options } from 'amqplib';
import { matchesType, MessagingError } from '@waggle/kernel';
import { persist, systemClock } from '@waggle/messaging';
import type { BrokerConnection, Enrolment, GroupDeclaration, LogPosition } from '@waggle/messaging';
import { keepChannel, withChannel, type Attach } from './rabbitmq-channel.ts';
import { copyProperties, laneOf, MARKER_TYPE, MISSED_TYPE, streamOffset } from './rabbitmq-codec.ts';
import { isBound } from './rabbitmq-ensure.ts';
import { findFirst, findHead, isKept, nudge, readLog } from './rabbitmq-log.ts';
import { allQueue, laneQueue, parseRoutingKey, pumpQueue } from './rabbitmq-names.ts';
import type { Session } from './rabbitmq-session.ts';

/** What a process knows of a group that does not begin at "new", whatever becomes of its connections. */
export interface Pumped {
  declaration: GroupDeclaration;
  /** In which this process declared it. Who let it begin again since then said where. */
  generation: number;
  /** Up to it this process knows the group to be served. */
  offset?: number | undefined;
  /** On which its pump runs. */
  session?: Session;
}

const BATCH = 256;
/** More than ever exist at a time: the one that is held, its successor, and what a crash left. */
const CHECKPOINTS = 16;

/**
 * Copies the stream to the queues of a group that does not begin at "new", for good: such queues are never bound, so
 * that history and live events come by one way, without a cut-over, a gap or an inversion.
 *
 * Lock and checkpoint are one message in a single-active-consumer queue; its body is the last offset that was copied.
 * Who is sent it, copies. After each confirmed batch the next checkpoint is published, and the old one acknowledged
 * once the next has come back: after a crash there may be two, and the greater counts. All of this is on one channel, so
 * that who has lost the lock cannot copy any more. Ends with the connection.
 */
export function startPump(session: Session, pumped: Pumped, declare: BrokerConnection['declare']): void {
  if (pumped.session === session) return;
  pumped.session = session;
  const { writing, known } = session;
  const { log } = session.names;
  const { group } = pumped.declaration;
  const base = session.names.base({ kind: 'group', group });
  const over = new AbortController();

  /** A group that was removed, by whichever process, is not created again behind the operator's back. */
  async function comeBack(before: unknown): Promise<void> {
    const { generation } = pumped;
    const enrolment = (await session.registry.read()).get(base)?.enrolment;
    if (pumped.generation !== generation) return comeBack(before); // declared anew meanwhile: what was read is old
    const isRemoved = enrolment !== undefined && (enrolment.isGone === true || !enrolment.isPumped);
    if (isRemoved && known.pumped.get(group) === pumped) known.pumped.delete(group);
    if (known.pumped.get(group) !== pumped) {
      over.abort();
      throw new Error(`${base} was removed`);
    }
    const isAnother = enrolment !== undefined && enrolment.generation !== pumped.generation;
    if (before !== undefined && !isAnother)
      await declare({ queues: [], groups: [pumped.declaration], absent: [] });
  }

  const attach: Attach = async (channel, end, before) => {
    await comeBack(before);
    let held: Message | undefined;
    let open = true;
    const stop = (reason: unknown): void => {
      open = false;
      end(reason);
    };
    const receive = (checkpoint: ConsumeMessage | null): void => {
      if (checkpoint === null) return stop(new Error(`the server cancelled the pump of ${base}`));
      const before = held;
      const isLater = before === undefined || offsetOf(checkpoint) > offsetOf(before);
      if (before !== undefined) channel.ack(isLater ? before : checkpoint);
      if (!isLater) return;
      held = checkpoint;
      pumped.offset = offsetOf(checkpoint);
      if (before === undefined) copy(offsetOf(checkpoint)).catch(stop);
    };

    /** From the checkpoint on, batch by batch. */
    async function copy(from: number): Promise<void> {
      const buffer: ConsumeMessage[] = [];
      let working = false;
      let last = from;
      /** At most so many events were discarded between these and what was copied before. */
      const countMissed = async (batch: readonly ConsumeMessage[]): Promise<number> => {
        let missed = 0;
        for (const offset of batch.map(streamOffset)) {
          const isNext = offset <= last + 1;
          if (!isNext && !(await isKept(writing, log, last))) missed += offset - last - 1;
          last = offset;
        }
        return missed;
      };
      const work = async (): Promise<void> => {
        if (working) return;
        working = true;
        for (let batch = buffer.splice(0); batch.length > 0; batch = buffer.splice(0)) {
          const done = held === undefined ? from : offsetOf(held);
          const fresh = batch.filter((raw) => streamOffset(raw) > done);
          const missed = await countMissed(batch);
          if (missed > 0) await tellMissed(channel, missed);
          await Promise.all(fresh.map((raw) => forward(channel, raw)));
          if (!open) return; // else a message that was returned would count as copied
          const latest = fresh.at(-1);
          if (latest !== undefined)
            await send(channel, pumpQueue(base), checkpointBody(streamOffset(latest)));
          for (const raw of batch) channel.ack(raw);
        }
        working = false;
      };
      const head = Number(await findHead(writing, log));
      let idle = 0;
      const receiveEvent = (raw: ConsumeMessage | null): void => {
        idle = 0;
        if (raw === null) return stop(new Error(`the server cancelled the reading of ${log}`));
        buffer.push(raw);
        setImmediate(() => void work().catch(stop));
      };
      await channel.prefetch(BATCH);
      const place = { arguments: { 'x-stream-offset': from < 0 ? 'first' : from } };
      await channel.consume(log, receiveEvent, place);
      nudge(channel, log, () => last < head && ++idle > 1);
    }

    channel.on('return', ({ fields }) => stop(new Error(`queue ${fields.routingKey} is gone`)));
    // Who waits at an empty queue would be taken for the one that holds the checkpoint, and nobody would put one there.
    if (!(await isServed(channel, base))) throw new Error(`there is no checkpoint of ${base} yet`);
    await channel.prefetch(CHECKPOINTS);
    await channel.consume(pumpQueue(base), receive);
  };

  async function forward(channel: ConfirmChannel, raw: Message): Promise<void> {
    const { types, ordering } = pumped.declaration;
    const type = parseRoutingKey(raw.fields.routingKey)?.type;
    if (type === undefined || raw.properties.type === MARKER_TYPE) return;
    if (!types.some((pattern) => matchesType(pattern, type))) return;
    const lane = laneOf(raw);
    if (typeof lane === 'number' && lane >= session.settings.lanes) {
      // A foreign client counted wrongly. A group that begins at "new" has no queue for it either.
      session.settings.logger.warn('passed over: there is no such lane', { group, lane, type });
      return;
    }
    const queue = ordering === 'none' ? allQueue(base) : laneQueue(base, lane);
    await send(channel, queue, raw.content, copyProperties(raw, 0));
  }

  /** In a queue of the group, so that a member is told, wherever it is. */
  async function tellMissed(channel: ConfirmChannel, count: number): Promise<void> {
    const isNone = pumped.declaration.ordering === 'none';
    const queue = isNone ? allQueue(base) : laneQueue(base, 'unordered');
    session.settings.logger.warn('the log lost events before they were copied', { group, atMost: count });
    await send(channel, queue, Buffer.from(String(count)), { type: MISSED_TYPE });
  }

  const { gone } = session;
  void keepChannel({ ...session, gone: AbortSignal.any([gone, over.signal]) }, `copying to ${base}`, attach);
}

/** Lets this process take part in the pumping of a group that was just declared. @throws MessagingError `out-of-range`, `invalid` */
export async function servePumped(
  session: Session,
  declaration: GroupDeclaration,
  { source, generation, types }: Enrolment,
  declare: BrokerConnection['declare'],
): Promise<void> {
  const { known, names } = session;
  const pumped: Pumped = known.pumped.get(declaration.group) ?? { declaration, generation };
  if (pumped.generation !== generation) pumped.offset = undefined;
  pumped.generation = generation;
  if (!isBound(session)) await declarePump(session, names.base(source), pumped.offset ?? declaration.from);
  pumped.declaration = { ...declaration, types };
  known.pumped.set(declaration.group, pumped);
  startPump(session, pumped, declare);
}

/** The last offset before a place. @throws MessagingError `out-of-range`, `invalid` */
export async function placeOf({ writing, gone, names }: Session, from: LogPosition): Promise<number> {
  const head = await findHead(writing, names.log);
  if (from === 'new') return Number(head);
  if (from === 'beginning') return (await findFirst(writing, names.log)) - 1;
  const entries = readLog(writing, names.log, {
    after: from.after,
    resumed: false,
    until: head,
    signal: gone,
  });
  await entries.next(); // which looks whether the cursor is kept
  await entries.return(undefined);
  return Number(from.after);
}

/**
 * Puts the first checkpoint into the pump's queue, unless there is one or somebody holds it: a group begins `from` there, or
 * behind an offset up to which it is known to be served. A queue that another process is just creating refuses for a
 * moment, so it is tried again.
 */
async function declarePump(session: Session, base: string, from: LogPosition | number): Promise<void> {
  const mayPass = (error: unknown): boolean => !(error instanceof MessagingError);
  await withChannel(session.writing, (channel) =>
    persist(systemClock, session.gone, mayPass, session.settings.requestTimeoutMs, async () => {
      if (await isServed(channel, base)) return;
      const place = typeof from === 'number' ? from : await placeOf(session, from);
      await send(channel, pumpQueue(base), checkpointBody(place));
    }),
  );
}

/** Whether there is a checkpoint, or somebody who holds it: nobody consumes a queue that has none. */
async function isServed(channel: ConfirmChannel, base: string): Promise<boolean> {
  const { messageCount, consumerCount } = await channel.checkQueue(pumpQueue(base));
  return messageCount > 0 || consumerCount > 0;
}

const checkpointBody = (offset: number): Buffer => Buffer.from(String(offset));
const offsetOf = (checkpoint: Message): number => Number(checkpoint.content.toString('latin1'));

/** Sends to a queue, and resolves when it is confirmed, returned messages too. */
function send(
  channel: ConfirmChannel,
  queue: string,
  body: Buffer,
  properties: Options.Publish = {},
): Promise<void> {
  const options = { ...properties, persistent: true, mandatory: true };
  return new Promise((resolve, reject) => {
    channel.sendToQueue(queue, body, options, (error: unknown) =>
      error instanceof Error ? reject(error) : resolve(),
    );
  });
}
