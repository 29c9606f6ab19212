import { messageOf } from '@waggle/kernel';
import type { ConsumeOptions, Delivery, DriverConsumer } from '@waggle/messaging';
import { createInbox, nanos, type Msg, type NatsConnection, type Subscription } from 'nats';
import type { NatsLink } from './nats-connection.ts';
import { ACK, NAK, NatsDelivery, WORKING, type Settler, type TakenLine } from './nats-delivery.ts';
import type { NatsTopology } from './nats-topology.ts';
import {
  eventsPlace,
  NatsMessage,
  parseReceipt,
  parseSubject,
  queuePlace,
  type Receipt,
} from './nats-wire.ts';

/** How long a request for messages waits at the server. Its end is a sign of life, and it is asked again. */
const PULL_MS = 30_000;
/** An answer later than this means that the request is lost. */
const PULL_GRACE_MS = 5000;
const REPAIR_PAUSE_MS = 500;

/** An inbox and what was asked for in its name. Another after each pause or reconnect: nobody answers to the old one. */
interface Session {
  readonly inbox: string;
  readonly subscription: Subscription;
}

/**
 * Takes messages by asking for as many as have a place: one a lane, `concurrency` where there is no order. Settlements
 * and requests are collected and sent once a turn of the event loop.
 */
export class NatsConsumer implements DriverConsumer, Settler {
  readonly #link: NatsLink;
  readonly #topology: NatsTopology;
  readonly #deliver: (delivery: Delivery) => void;
  readonly #group: string | undefined;
  readonly #root: string;
  readonly #taken: ReadonlyMap<string, TakenLine>;
  readonly #forget: () => void;
  readonly #onClosed: (consumer: NatsConsumer) => void;
  #session: Session | undefined;
  #deletions: Subscription | undefined;
  #settlements: { readonly reply: string; readonly payload: Uint8Array }[] = [];
  #turn: NodeJS.Immediate | undefined;
  #paused = false;
  #closing: Promise<void> | undefined;

  constructor(
    link: NatsLink,
    topology: NatsTopology,
    { source }: ConsumeOptions,
    taken: readonly TakenLine[],
    deliver: (delivery: Delivery) => void,
    onClosed: (consumer: NatsConsumer) => void,
  ) {
    const ns = link.settings.namespace;
    this.#link = link;
    this.#topology = topology;
    this.#deliver = deliver;
    this.#group = source.kind === 'group' ? source.group : undefined;
    this.#root = source.kind === 'group' ? eventsPlace(ns).root : queuePlace(ns, source.context).root;
    this.#taken = new Map(taken.map((each) => [each.line.durable, each]));
    this.#onClosed = onClosed;
    this.#forget = link.listen({
      lost: () => this.#lose(),
      restored: () => {
        this.tick();
        this.#flush();
        // What was deleted meanwhile answers nothing.
        for (const each of this.#taken.values()) void this.#repair(each);
      },
    });
  }

  /** Resolves once the server has the requests. */
  async attach(connection: NatsConnection): Promise<void> {
    this.#watchDeletions(connection);
    this.#flush();
    await connection.flush().catch(() => undefined);
  }

  /** NATS answers requests that wait when a consumer is deleted, but not those that come later: it announces it, though. */
  #watchDeletions(connection: NatsConnection): void {
    const [stream = ''] = Array.from(this.#taken.values(), ({ line }) => line.stream);
    this.#deletions = connection.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.DELETED.${stream}.*`, {
      callback: (_error, { subject }) => {
        const taken = this.#taken.get(subject?.slice(subject.lastIndexOf('.') + 1) ?? '');
        if (taken !== undefined) void this.#repair(taken);
      },
    });
  }

  pause(): void {
    this.#paused = true;
    void this.#leaveSession();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#schedule();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  settle(delivery: NatsDelivery, payload: Uint8Array): void {
    if (this.#closing !== undefined) return;
    const { taken, position, reply, leasedUntil } = delivery;
    taken.unsettled.delete(position);
    // What lost its lease may be with another member: a settlement would meddle with theirs.
    if (leasedUntil > Date.now()) {
      this.#settlements.push({ reply, payload });
      if (payload === ACK && taken.line.ordered)
        taken.floor = Math.max(taken.floor, (taken.lastAcked = position));
      else taken.stale = true;
    }
    this.#schedule();
  }

  /** Called by the driver several times a lease: extends what is unsettled, and misses answers. */
  tick(): void {
    if (this.#link.up === undefined) return;
    const now = Date.now();
    const { leaseMs } = this.#link.settings;
    for (const taken of this.#taken.values()) {
      for (const delivery of taken.unsettled.values()) {
        if (delivery.leasedUntil - now > (leaseMs * 2) / 3 || delivery.leasedUntil < now) continue;
        this.#link.tell(delivery.reply, WORKING);
        delivery.leasedUntil = now + leaseMs;
      }
      if (taken.overdueAt < now) {
        taken.overdueAt = Infinity;
        taken.requested = 0;
        void this.#repair(taken);
      } else if (taken.places > 0) this.#schedule();
      if (taken.stale) void this.#remember(taken);
    }
  }

  /** Other members settle too, and not in order: only the server knows up to where nothing is left. */
  async #remember(taken: TakenLine): Promise<void> {
    taken.stale = false;
    const info = await this.#topology.info(taken.line).catch(() => undefined);
    taken.floor = Math.max(taken.floor, info?.ack_floor.stream_seq ?? 0);
  }

  #schedule(): void {
    this.#turn ??= setImmediate(() => this.#flush());
  }

  /** Sends what was settled, then asks for as much as has a place. Without a connection it waits for the reconnect. */
  #flush(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const connection = this.#link.up;
    if (connection === undefined) return;
    this.#sendSettlements();
    if (this.#paused || this.#closing !== undefined) return;
    this.#session ??= this.#enterSession(connection);
    let index = 0;
    for (const taken of this.#taken.values()) {
      if (taken.places > 0) this.#pull(this.#session, taken, index);
      index++;
    }
  }

  #sendSettlements(): void {
    for (const { reply, payload } of this.#settlements) this.#link.tell(reply, payload);
    this.#settlements = [];
  }

  #pull({ inbox }: Session, taken: TakenLine, index: number): void {
    const batch = taken.places;
    const { stream, durable } = taken.line;
    taken.requested += batch;
    taken.overdueAt = Date.now() + PULL_MS + PULL_GRACE_MS;
    const request = `{"batch":${batch},"expires":${nanos(PULL_MS)}}`;
    this.#link.tell(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`, request, `${inbox}.${index}.${batch}`);
  }

  #enterSession(connection: NatsConnection): Session {
    const inbox = createInbox(this.#link.inboxPrefix);
    const subscription = connection.subscribe(`${inbox}.>`, {
      callback: (error, msg) => {
        if (error !== null) this.#log('cannot receive messages', { reason: messageOf(error) });
        else this.#receive(inbox, msg);
      },
    });
    return { inbox, subscription };
  }

  /**
   * Gives up the inbox; what is on its way comes before the promise resolves. Then asks for the lines, whereupon the server
   * drops the requests: without that, 2.9.10 was seen to redeliver with a count of 1, and to repeat what was acknowledged.
   */
  async #leaveSession(): Promise<void> {
    const session = this.#session;
    const asked = [...this.#taken.values()].filter(({ requested }) => requested > 0);
    this.#forgetSession();
    if (session === undefined) return;
    if (this.#link.up === undefined) return session.subscription.unsubscribe();
    await session.subscription.drain().catch(() => undefined);
    await Promise.all(asked.map(({ line }) => this.#topology.info(line).catch(() => undefined)));
  }

  #lose(): void {
    this.#session?.subscription.unsubscribe();
    this.#forgetSession();
  }

  #forgetSession(): void {
    this.#session = undefined;
    for (const taken of this.#taken.values()) {
      taken.requested = 0;
      taken.overdueAt = Infinity;
    }
  }

  #receive(inbox: string, msg: Msg): void {
    const receipt = parseReceipt(msg.reply);
    const reply = msg.reply;
    if (receipt === undefined || reply === undefined) return this.#answer(inbox, msg);
    const taken = this.#taken.get(receipt.durable);
    if (taken === undefined) return;
    const current = this.#session?.inbox === inbox;
    if (current && taken.requested > 0) taken.requested--;
    if (taken.requested === 0) taken.overdueAt = Infinity;
    const held = taken.unsettled.get(receipt.streamSeq);
    // Still with us, after a lease that ran out or a durable that was made anew: it has one handler, not two.
    if (held !== undefined) held.reply = reply;
    else if (current) this.#hand(taken, receipt, msg, reply);
    else this.#link.tell(reply, NAK);
  }

  #hand(taken: TakenLine, receipt: Receipt, msg: Msg, reply: string): void {
    const address = parseSubject(this.#root, msg.subject);
    const foreign = address.group !== undefined && address.group !== this.#group;
    const again = receipt.streamSeq === taken.lastAcked && (receipt.attempt > 1 || taken.renewed);
    if (foreign || again) {
      this.#settlements.push({ reply, payload: ACK });
      return this.#schedule();
    }
    const delivery = new NatsDelivery(this, taken, new NatsMessage(msg, address), {
      lane: address.lane,
      attempt: receipt.attempt,
      position: receipt.streamSeq,
      reply,
      leasedUntil: Date.now() + this.#link.settings.leaseMs,
    });
    taken.unsettled.set(receipt.streamSeq, delivery);
    try {
      this.#deliver(delivery);
    } catch (error) {
      this.#log('the consumer threw instead of settling', { reason: messageOf(error) });
      delivery.release();
    }
  }

  /** A status instead of a message: the request ended, or there is nobody to answer it. */
  #answer(inbox: string, msg: Msg): void {
    if (this.#session?.inbox !== inbox) return;
    const [index, batch] = msg.subject
      .slice(inbox.length + 1)
      .split('.')
      .map(Number);
    const taken = [...this.#taken.values()][index ?? -1];
    if (taken === undefined) return;
    const { code = 0, description = '' } = msg.headers ?? {};
    if (code === 100) return;
    const open = msg.headers?.get('Nats-Pending-Messages') ?? '';
    taken.requested = Math.max(0, taken.requested - (open === '' ? (batch ?? 0) : Number(open)));
    if (code === 408) {
      taken.stale = true;
      return this.#schedule();
    }
    this.#log('NATS refused a request for messages', { consumer: taken.line.durable, code, description });
    taken.requested = 0;
    if (code !== 409 || /deleted/i.test(description)) void this.#repair(taken);
  }

  /** Makes a durable anew that somebody deleted; harmless if it is there. Goes on until it succeeds. */
  async #repair(taken: TakenLine): Promise<void> {
    if (taken.repairing) return;
    taken.repairing = true;
    while (this.#closing === undefined) {
      try {
        if (await this.#topology.recreate(taken.line, taken.floor)) taken.renewed = true;
        break;
      } catch (error) {
        this.#log('cannot make a deleted consumer anew; trying again', {
          consumer: taken.line.durable,
          reason: messageOf(error),
        });
        await new Promise((resolve) => setTimeout(resolve, REPAIR_PAUSE_MS));
      }
    }
    taken.repairing = false;
    taken.requested = 0;
    this.#schedule();
  }

  async #close(): Promise<void> {
    this.#forget();
    this.#deletions?.unsubscribe();
    // On its way, or unsettled: any member may have it at once.
    await this.#leaveSession();
    clearImmediate(this.#turn);
    const connection = this.#link.up;
    if (connection !== undefined) {
      this.#sendSettlements();
      for (const { unsettled } of this.#taken.values()) {
        for (const { reply, leasedUntil } of unsettled.values()) {
          if (leasedUntil > Date.now()) this.#link.tell(reply, NAK);
        }
        unsettled.clear();
      }
      await connection.flush().catch(() => undefined);
    }
    this.#onClosed(this);
  }

  #log(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#link.settings.logger.warn(message, fields);
  }
}
