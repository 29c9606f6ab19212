import { setImmediate as afterRefusals } from 'node:timers/promises';
import type { MessagingError } from '@waggle/kernel';
import {
  SettleOnce,
  type Attaching,
  type ConsumeOptions,
  type Delivery,
  type DriverConsumer,
} from '@waggle/messaging';
import { createInbox, nanos, type Msg, type Subscription } from 'nats';
import { roundTrip, type NatsContext, type NatsLink } from './nats-connection.ts';
import { fail } from './nats-errors.ts';
import { ACK, NAK, NatsMessage, parseReceipt, payloadOf, WORKING } from './nats-message.ts';
import { linesOf, parseSubject, placeOf } from './nats-names.ts';
import { infosOf, undeclared } from './nats-groups.ts';
import { countMissed, learn, newTaken, type Held, type Taken } from './nats-taken.ts';
import { ackWaitMs, otherOrdering } from './nats-topology.ts';

/** How long a request for messages waits at the server. Its end is a sign of life, and it is asked again. */
const PULL_MS = 30_000;
/** The same where there is no order: what comes during a pause is handed back when the requests have ended. */
const LOOSE_PULL_MS = 5000;
/** An answer later than this means that the request is lost. */
const PULL_GRACE_MS = 5000;
/** A lease begins when the server sends: of one that was never extended, a tenth may have gone by on the way. */
const NOT_ON_ITS_WAY = 0.9;
/** Leases and requests are looked after this often, and six times a lease at least. */
const TICK_MS = 1000;
/** Settlements are sent as soon as such a part of all places is free: fewer leave the server idle, more are a system call each. */
const PARTS = 4;

type Settled = readonly [held: Held, payload: Uint8Array];

const ignore = (): void => undefined;

export interface NatsConsumer extends DriverConsumer {
  /**
   * Takes from this connection, from now on or again. Resolves once it has the requests.
   * @throws MessagingError `unroutable`, `conflict`, `denied`
   */
  attach(link: NatsLink, ended: Attaching['ended']): Promise<void>;
}

/**
 * Takes messages by asking for as many as have a place: one a lane, `concurrency` where there is no order. Settlements
 * and requests are collected and sent once a turn of the event loop, or as soon as a quarter of the places is free. What is
 * held goes from one connection to the next: the server knows deliveries by their lease.
 */
export function createConsumer(
  context: NatsContext,
  { source, ordering, concurrency, onMissed }: ConsumeOptions,
  deliver: (delivery: Delivery) => void,
): NatsConsumer {
  const { settings } = context;
  const leaseMs = ackWaitMs(settings);
  const floors = new Map<string, number>();
  context.floors.add(floors);
  const { root, stream } = placeOf(settings.namespace, source);
  const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.`;
  const lines = linesOf(settings, source, ordering);
  const all = lines.map((line) => newTaken(line, line.ordered ? 1 : concurrency));
  const enough = Math.ceil((ordering === 'by-key' ? settings.lanes : concurrency) / PARTS);
  const byDurable = new Map(all.map((taken) => [taken.line.durable, taken]));
  const allHeld = (): readonly Held[] => all.flatMap(({ unsettled }) => [...unsettled.values()]);
  let link: NatsLink | undefined;
  let ended: Attaching['ended'] | undefined;
  /** An inbox, and what was asked for in its name. Another on each connection; a pause keeps it. */
  let session: Subscription | undefined;
  let inbox = '';
  let deletions: Subscription | undefined;
  let settlements: Settled[] = [];
  let ticker: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;
  let isTaking = false;
  let isLooking = false;
  let refusal: MessagingError | undefined;
  /** Whether requests in the name of an inbox that was given up may still wait at the server. */
  let isLeaving = false;
  let closing: Promise<void> | undefined;

  async function attach(to: NatsLink, onEnd: Attaching['ended']): Promise<void> {
    context.current = to;
    ended = onEnd;
    refusal = undefined;
    to.refusals.add(refused);
    for (const taken of all) taken.gone = false;
    const infos = await infosOf(to, lines);
    if (infos.includes(undefined)) throw (await otherOrdering(to, source, ordering)) ?? undeclared(source);
    all.forEach((taken, index) => learn(taken, infos[index], floors));
    await tellMissed(to);
    if (closing !== undefined || up() !== to) return;
    deletions ??= watchDeletions(to);
    ticker ??= setInterval(tick, Math.min(leaseMs / 6, TICK_MS)).unref();
    isTaking = true;
    flush();
    await roundTrip(to);
    await afterRefusals();
    if (refusal !== undefined) throw refusal;
  }

  /** The connection, if it is up. Of another than before nothing is taken until this consumer is attached to it. */
  function up(): NatsLink | undefined {
    const { current } = context;
    if (current === undefined || current.client.isClosed()) return undefined;
    if (current === link) return link;
    isTaking = false;
    deletions = undefined;
    forgetSession();
    return (link = current);
  }

  /** NATS answers requests that wait when a consumer is deleted, but not those that come later: it announces it, though. */
  function watchDeletions({ client }: NatsLink): Subscription {
    const prefix = `$JS.EVENT.ADVISORY.CONSUMER.DELETED.${stream}.`;
    const callback = (error: unknown, { subject }: Msg): void => {
      const taken = error === null ? byDurable.get(subject.slice(prefix.length)) : undefined;
      if (taken !== undefined) end(taken, 'it was deleted');
    };
    return client.subscribe(`${prefix}*`, { callback });
  }

  /** Whoever may not ask is answered nothing. */
  function refused(subject: string): void {
    const taken = subject.startsWith(next) ? byDurable.get(subject.slice(next.length)) : undefined;
    if (taken === undefined) return;
    refusal = fail('denied', `the server does not allow to consume ${taken.line.key}: allow ${subject}`);
    end(taken, 'it is no longer allowed');
  }

  /** The others go on until this consumer is attached again. */
  function end(taken: Taken, why: string): void {
    taken.gone = true;
    taken.requested = 0;
    ended?.(`${taken.line.key}: ${why}`);
  }

  function schedule(): void {
    turn ??= setImmediate(flush);
  }

  /** Sends what was settled, then asks for as much as has a place. Without a connection it waits for the next. */
  function flush(): void {
    turn = undefined;
    const now = up();
    if (now === undefined) return;
    sendSettlements(now);
    if (!isTaking || closing !== undefined) return;
    session ??= enterSession(now);
    for (const taken of all) if (!taken.gone) pull(now, taken);
  }

  function settle(held: Held, payload: Uint8Array): void {
    if (closing !== undefined) return;
    held.taken.unsettled.delete(held.position);
    settlements.push([held, payload]);
    if (settlements.length >= enough) flush();
    else schedule();
  }

  /**
   * In a pause, what is handed back waits until nothing is requested: it would come again to each request that still waits,
   * and count an attempt each time. So it does while the inbox is given up: what is handed back when nobody hears the
   * requests that wait, 2.9.10 keeps until its lease is over. What lost its lease may be with another member: a
   * settlement would meddle with theirs.
   */
  function sendSettlements({ client }: NatsLink): void {
    const now = Date.now();
    const waits = ([{ taken }, how]: Settled): boolean =>
      how === NAK && (isLeaving || (!isTaking && taken.requested > 0));
    for (const [held, payload] of settlements.filter((each) => !waits(each))) {
      if (held.leasedUntil <= now) continue;
      client.publish(held.reply, payload);
      if (payload === ACK && held.taken.line.ordered) {
        held.taken.lastAcked = held.position;
        floors.set(held.taken.line.key, held.position);
      } else held.taken.stale = true;
    }
    settlements = settlements.filter(waits);
  }

  function pull({ client }: NatsLink, taken: Taken): void {
    const places = taken.capacity - taken.unsettled.size - taken.requested;
    if (places <= 0) return;
    taken.requested += places;
    taken.askedAt = Date.now();
    const request = `{"batch":${places},"expires":${nanos(taken.line.ordered ? PULL_MS : LOOSE_PULL_MS)}}`;
    const reply = `${inbox}.${taken.line.durable}.${places}`;
    client.publish(`${next}${taken.line.durable}`, request, { reply });
  }

  function enterSession({ client, options }: NatsLink): Subscription {
    inbox = createInbox(options.connection?.inboxPrefix);
    const messages = client.subscribe(`${inbox}.>`, {
      callback: (error, msg) => {
        if (error === null) receive(msg, session === messages);
      },
    });
    return messages;
  }

  /**
   * Gives up the inbox; what is on its way comes before the promise resolves. Then asks for the lines, whereupon the server
   * drops the requests. Without that, 2.9.10 takes a redelivery for a request that nobody hears, and then forgets it until its
   * lease is over, redelivers with a count of 1, and repeats what was acknowledged.
   */
  async function leaveSession(): Promise<void> {
    const left = session;
    const asked = all.filter(({ requested }) => requested > 0).map(({ line }) => line);
    forgetSession();
    if (left === undefined || link === undefined || link.client.isClosed()) return;
    isLeaving = true;
    await Promise.race([left.drain(), link.client.closed()]).catch(ignore);
    await infosOf(link, asked).catch(ignore);
    isLeaving = false;
  }

  function forgetSession(): void {
    session = undefined;
    for (const taken of all) taken.requested = 0;
  }

  function receive(msg: Msg, isCurrent: boolean): void {
    const { reply } = msg;
    if (reply === undefined || !reply.startsWith('$JS.ACK.')) return isCurrent ? answer(msg) : undefined;
    const { durable, attempt, position } = parseReceipt(reply);
    const taken = byDurable.get(durable);
    if (taken === undefined) return;
    if (isCurrent) taken.requested = Math.max(0, taken.requested - 1);
    const leasedUntil = Date.now() + leaseMs * NOT_ON_ITS_WAY;
    const held = taken.unsettled.get(position);
    // Still with us, after a lease that ran out or a durable that was made anew: it has one handler, not two.
    if (held !== undefined) Object.assign(held, { reply, leasedUntil });
    else if (isCurrent) hand({ taken, position, reply, leasedUntil }, attempt, msg);
    else settlements.push([{ taken, position, reply, leasedUntil }, NAK]); // sent when the inbox has been left
  }

  function hand(held: Held, attempt: number, msg: Msg): void {
    const { taken, position } = held;
    const address = parseSubject(root, msg.subject);
    const isOurs = address.group === undefined || (source.kind === 'group' && address.group === source.group);
    // Acknowledged before, and the server does not know: the acknowledgement was lost, or the durable is another.
    if (!isOurs || position === taken.lastAcked) return settle(held, ACK);
    if (!isTaking) return settle(held, NAK);
    taken.trail.arrive(position);
    taken.unsettled.set(position, held);
    const message = new NatsMessage(msg, address);
    deliver(new SettleOnce(message, address.lane, attempt, (how) => settle(held, payloadOf(how))));
  }

  /** A status instead of a message: the request ended, or was refused, or there is nobody to answer it. */
  function answer(msg: Msg): void {
    const [durable = '', places = ''] = msg.subject.slice(inbox.length + 1).split('.');
    const taken = byDurable.get(durable);
    const { code = 0, description = '' } = msg.headers ?? {};
    if (taken === undefined || code === 100) return;
    if (code !== 408) return end(taken, `${code} ${description}`);
    const left = msg.headers?.get('Nats-Pending-Messages') || places;
    taken.requested = Math.max(0, taken.requested - Number(left));
    taken.stale = true;
    schedule();
  }

  function tick(): void {
    const now = up();
    if (now === undefined) return;
    extendLeases(now);
    schedule();
    tellMissed(now).catch(ignore);
    const overdue = Date.now() - PULL_MS - PULL_GRACE_MS;
    for (const taken of all) {
      if (taken.requested > 0 && taken.askedAt < overdue) end(taken, 'no answer');
      if (!taken.stale) continue;
      // Other members settle too, and not in order: only the server knows up to where nothing is left.
      taken.stale = false;
      void infosOf(now, [taken.line]).then(([info]) => learn(taken, info, floors), ignore);
    }
  }

  /**
   * Extends what has less than two thirds of its lease left. An extension counts once the server has answered what was sent
   * after it: what was only written when the connection died may never have arrived.
   */
  function extendLeases({ client }: NatsLink): void {
    const now = Date.now();
    const isDue = (leftMs: number): boolean => leftMs > 0 && leftMs <= (leaseMs * 2) / 3;
    const due = allHeld().filter(({ leasedUntil }) => isDue(leasedUntil - now));
    for (const { reply } of due) client.publish(reply, WORKING);
    const count = (): void => {
      for (const held of due) held.leasedUntil = Math.max(held.leasedUntil, now + leaseMs);
    };
    if (due.length > 0) client.flush().then(count, ignore);
  }

  async function tellMissed(now: NatsLink): Promise<void> {
    if (onMissed === undefined || source.kind === 'queue' || isLooking) return;
    isLooking = true;
    try {
      const count = await countMissed(now, all);
      if (count > 0) onMissed(count);
    } finally {
      isLooking = false;
    }
  }

  /** On its way, or unsettled: any member may have it at once. */
  async function leave(): Promise<void> {
    clearInterval(ticker);
    context.floors.delete(floors);
    link?.refusals.delete(refused);
    deletions?.unsubscribe();
    await leaveSession();
    for (const held of allHeld()) settlements.push([held, NAK]);
    flush();
    if (link !== undefined) await roundTrip(link);
  }

  return {
    attach,
    pause() {
      isTaking = false;
    },
    resume() {
      isTaking = true;
      schedule();
    },
    close: () => (closing ??= leave()),
  };
}
