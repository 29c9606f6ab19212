import { messageOf, type Clock, type Logger } from '@waggle/kernel';
import type { Delivery, Lane } from '@waggle/messaging';
import { Agenda } from './agenda.ts';
import type { FaultDice } from './faults.ts';
import { Fifo } from './fifo.ts';
import { Line, type Item } from './memory-line.ts';
import { Member, type Attachment } from './memory-member.ts';
import type { Pace } from './pace.ts';
import { handOut, type StoredMessage } from './stored-message.ts';

/** Most messages that one run of a group hands over before others get their turn. */
const RUN = 32;
/** More overflows the timers of Node. Who wakes too early sets the alarm again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What a group needs of its server. */
export interface GroupServices {
  readonly clock: Clock;
  readonly pace: Pace;
  readonly dice: FaultDice;
  readonly logger: Logger;
}

type Settlement = 'ack' | 'release' | { readonly delayMs: number };

/** Delivery to the members of one consumer group or queue. Everything a member is told, it is told asynchronously. */
export class MemoryGroup {
  readonly ordering: 'by-key' | 'none';
  /** Messages that are not settled, those waiting for a retry included. */
  unsettled = 0;
  /** Messages that the log discarded before anybody took them. */
  discarded = 0;
  readonly #services: GroupServices;
  readonly #numbered: readonly Line[];
  readonly #parallel = new Line(false);
  readonly #ready = new Fifo<Line>();
  readonly #waiting = new Agenda<Item>();
  readonly #beforeRun: () => void;
  #members: readonly Member[] = [];
  #turn = 0;
  #scheduled = false;
  #alarmMs = Infinity;
  #stopAlarm = (): void => undefined;

  /** @param beforeRun lets the log discard what is too old, before messages are taken */
  constructor(
    ordering: 'by-key' | 'none',
    lanes: number,
    services: GroupServices,
    beforeRun: () => void = () => undefined,
  ) {
    this.ordering = ordering;
    this.#services = services;
    this.#beforeRun = beforeRun;
    this.#numbered = ordering === 'none' ? [] : Array.from({ length: lanes }, () => new Line(true));
  }

  get members(): number {
    return this.#members.length;
  }

  /** Takes a message that stands in the log. */
  addLogged(message: StoredMessage): void {
    this.#add(message, 'logged');
  }

  /** Takes a message that is for this group or queue alone. */
  addOwn(message: StoredMessage): void {
    this.#add(message, 'own');
  }

  /** The log no longer keeps this message: lost to this group, unless somebody has taken it already. */
  discard(message: StoredMessage): void {
    const line = this.#lineOf(message.lane);
    if (line.logged.at(0) !== message) return;
    line.logged.shift();
    this.unsettled -= 1;
    this.discarded += 1;
  }

  attach(attachment: Attachment): Member {
    const member = new Member(attachment);
    this.#members = [...this.#members, member];
    setImmediate(() => this.#offerAll()); // whoever consumes gets to know its consumer before the first delivery
    return member;
  }

  /** The member is gone: what it held is handed over again, at once. */
  detach(member: Member): void {
    if (!this.#members.includes(member)) return;
    this.#members = this.#members.filter((other) => other !== member);
    member.stopLease();
    this.#takeBack(member);
  }

  /** The server ends every attachment. */
  detachAll(): void {
    for (const member of this.#members) {
      this.detach(member);
      member.attachment.lost();
    }
  }

  pause(member: Member, paused: boolean): void {
    member.paused = paused;
    if (!paused) this.#offerAll();
  }

  /** The process of this member stands still: it takes nothing, says nothing, and its lease runs out. */
  freeze(member: Member): void {
    if (member.late !== undefined) return;
    member.late = [];
    member.stopLease = this.#services.clock.after(member.attachment.leaseMs, () => this.#takeBack(member));
  }

  /** The process goes on; what it settled meanwhile arrives, and has no effect if its lease was over. */
  thaw(member: Member): void {
    const late = member.late ?? [];
    member.late = undefined;
    member.stopLease();
    for (const settle of late) settle();
    this.#offerAll();
  }

  #lineOf(lane: Lane): Line {
    return (lane === 'unordered' ? undefined : this.#numbered[lane]) ?? this.#parallel;
  }

  #add(message: StoredMessage, from: 'logged' | 'own'): void {
    const line = this.#lineOf(message.lane);
    line[from].push(message);
    this.unsettled += 1;
    this.#offer(line);
  }

  #offerAll(): void {
    for (const line of this.#numbered) this.#offer(line);
    this.#offer(this.#parallel);
  }

  #offer(line: Line): void {
    if (line.offered || !line.hasWork || this.#members.length === 0) return;
    line.offered = true;
    this.#ready.push(line);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#services.pace.soon(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    this.#beforeRun();
    for (let count = 0; count < RUN; count++) {
      const line = this.#ready.shift();
      if (line === undefined) return;
      line.offered = false;
      const member = line.hasWork ? this.#nextMember(line.serial) : undefined;
      const item = member && line.take(); // without a member the line is offered again when one has room
      if (member === undefined || item === undefined) continue;
      if (!this.#delay(item)) this.#handOver(item, member);
      this.#offer(line);
    }
    if (this.#ready.size > 0) this.#schedule();
  }

  /** The members with room take turns. */
  #nextMember(serial: boolean): Member | undefined {
    for (let tried = 0; tried < this.#members.length; tried++) {
      this.#turn = (this.#turn + 1) % this.#members.length;
      const member = this.#members[this.#turn];
      if (member?.hasRoom(serial) === true) return member;
    }
    return undefined;
  }

  #delay(item: Item): boolean {
    if (item.delayed) return false;
    item.delayed = true;
    const delayMs = this.#services.dice.delayMs();
    if (delayMs > 0) this.#wait(item, delayMs);
    return delayMs > 0;
  }

  #handOver(item: Item, member: Member): void {
    item.attempts += 1;
    if (item.line.serial) item.line.busy = true;
    else member.taken += 1;
    const delivery: Delivery = {
      message: handOut(item.stored),
      lane: item.stored.lane,
      attempt: item.attempts,
      ack: () => this.#settle(member, delivery, 'ack'),
      retry: (delayMs) => this.#settle(member, delivery, { delayMs }),
      release: () => this.#settle(member, delivery, 'release'),
    };
    member.held.set(delivery, item);
    try {
      member.attachment.deliver(delivery);
    } catch (error) {
      this.#services.logger.error('deliver must not throw; the message stays unsettled', {
        id: item.stored.id,
        reason: messageOf(error),
      });
    }
  }

  #settle(member: Member, delivery: Delivery, how: Settlement): void {
    if (member.late !== undefined) {
      member.late.push(() => this.#settle(member, delivery, how));
      return;
    }
    const item = member.held.get(delivery);
    if (item === undefined) return; // settled before, or no longer this member's
    member.held.delete(delivery);
    const { line } = item;
    if (line.serial) line.busy = false;
    else member.taken -= 1;
    item.delayed = false;
    if (how === 'ack' && !this.#services.dice.happens('dropAck')) this.unsettled -= 1;
    else if (typeof how === 'object' && how.delayMs > 0) this.#wait(item, how.delayMs);
    else {
      if (how === 'release') item.attempts -= 1;
      line.returned.push(item);
    }
    this.#offer(line);
  }

  #takeBack(member: Member): void {
    for (const item of member.held.values()) {
      item.line.busy = false;
      item.delayed = false;
      item.line.returned.push(item);
    }
    member.held.clear();
    member.taken = 0;
    this.#offerAll();
  }

  /** Puts an item aside until its time has come; meanwhile its line stands still if it is serial. */
  #wait(item: Item, delayMs: number): void {
    item.line.busy = item.line.serial;
    item.delayed = true;
    this.#waiting.add(this.#services.clock.now() + delayMs, item);
    this.#setAlarm();
  }

  #setAlarm(): void {
    const { clock } = this.#services;
    const nextMs = this.#waiting.nextMs ?? Infinity;
    if (nextMs >= this.#alarmMs) return;
    this.#stopAlarm();
    this.#alarmMs = nextMs;
    const delayMs = Math.min(LONGEST_TIMER_MS, Math.max(1, Math.ceil(nextMs - clock.now())));
    this.#stopAlarm = clock.after(delayMs, () => this.#wake());
  }

  #wake(): void {
    this.#alarmMs = Infinity;
    const nowMs = this.#services.clock.now();
    for (let item = this.#waiting.takeDue(nowMs); item !== undefined; item = this.#waiting.takeDue(nowMs)) {
      item.line.busy = false;
      item.line.returned.push(item);
      this.#offer(item.line);
    }
    this.#setAlarm();
  }
}
