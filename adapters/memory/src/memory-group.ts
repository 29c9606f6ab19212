import { matchesType, type Clock } from '@waggle/kernel';
import type { Consumption, Lane, Settlement, TopologyResource } from '@waggle/messaging';
import type { Denials } from './access.ts';
import type { FaultDice } from './faults.ts';
import { Fifo } from './fifo.ts';
import { Line, type Item } from './memory-line.ts';
import { Member, type MemberOptions } from './memory-member.ts';
import type { Pace } from './pace.ts';
import type { StoredMessage } from './stored-message.ts';

/** Most messages that one run of a group hands over before others get their turn. */
const RUN = 32;
/** How many answers a group remembers: a flood of made-up types must not fill the memory. */
const MOST_TYPES = 10_000;

/** What the parts of one broker share. */
export interface BrokerServices {
  readonly clock: Clock;
  readonly soon: Pace;
  readonly dice: FaultDice;
  readonly denials: Denials;
}

export interface GroupOptions {
  readonly ordering: 'by-key' | 'none';
  readonly lanes: number;
  /** The last message of the stream that is not for this group any more. */
  readonly position: number;
  /** Lets the log discard what is too old, before messages are taken. */
  readonly trim: () => void;
}

/**
 * Delivery to the members of one consumer group; or of a queue, which is a group that asks for no types. Everything a
 * member is told, it is told asynchronously.
 */
export class MemoryGroup {
  readonly services: BrokerServices;
  readonly ordering: 'by-key' | 'none';
  members: readonly Member[] = [];
  /** Messages that are not settled, those waiting for a retry included. */
  unsettled = 0;
  /** Messages that the log discarded before anybody took them. */
  discarded = 0;
  /** Those of which no member has been told yet. */
  #untold = 0;
  /** A member that vanished without leaving may come back until then. */
  #inUseUntilMs = -Infinity;
  /** The last message of the stream that was offered to this group. */
  position: number;
  readonly #trim: () => void;
  readonly #numbered: readonly Line[];
  readonly #parallel = new Line(false);
  readonly #ready = new Fifo<Line>();
  readonly #types = new Set<string>();
  /** Whether a type is one of `types`; asked once a type. */
  readonly #wanted = new Map<string, boolean>();
  #turn = 0;
  #scheduled = false;

  constructor({ ordering, lanes, position, trim }: GroupOptions, services: BrokerServices) {
    this.services = services;
    this.ordering = ordering;
    this.position = position;
    this.#trim = trim;
    this.#numbered = ordering === 'none' ? [] : Array.from({ length: lanes }, () => new Line(true));
  }

  get details(): TopologyResource['details'] {
    const { ordering, unsettled, discarded } = this;
    const counts = { unsettled, members: this.members.length };
    const { types } = this;
    return types === '' ? counts : { types, ordering, discarded, ...counts };
  }

  get consumption(): Omit<Consumption, 'source'> {
    const { ordering, unsettled: lag } = this;
    const inUse = this.isInUse;
    return { ordering, types: this.#types.size === 0 ? ['*'] : [...this.#types].toSorted(), lag, inUse };
  }

  get isInUse(): boolean {
    return this.members.length > 0 || this.services.clock.now() < this.#inUseUntilMs;
  }

  get types(): string {
    return [...this.#types].join(' ');
  }

  /** Whether it takes everything that this type, or pattern, stands for. */
  wants(pattern: string): boolean {
    return [...this.#types].some((own) => matchesType(own, pattern));
  }

  /** Members of different versions may ask for different types: the group takes what any of them asked for. */
  want(types: readonly string[]): void {
    for (const type of types) this.#types.add(type);
    this.#wanted.clear();
  }

  /** Takes a message that stands in the log, if it is wanted. */
  offer(message: StoredMessage): void {
    this.position = message.sequence;
    let wanted = this.#wanted.get(message.type);
    if (wanted === undefined) {
      wanted = [...this.#types].some((pattern) => matchesType(pattern, message.type));
      if (this.#wanted.size >= MOST_TYPES) this.#wanted.clear();
      this.#wanted.set(message.type, wanted);
    }
    if (wanted) this.#add(message, 'logged');
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
    this.#miss(1);
  }

  /** The log begins with this message by now, and nobody offered what was before it to this group. */
  skipTo(first: number): void {
    if (first - 1 <= this.position) return;
    this.#miss(first - 1 - this.position);
    this.position = first - 1;
  }

  attach(options: MemberOptions): Member {
    const member = new Member(this, options);
    this.members = [...this.members, member];
    setImmediate(() => this.offerAll()); // whoever consumes gets to know its consumer before the backlog
    return member;
  }

  remove(member: Member, leaseMs: number): void {
    this.members = this.members.filter((other) => other !== member);
    this.#inUseUntilMs = Math.max(this.#inUseUntilMs, this.services.clock.now() + leaseMs);
  }

  settle(item: Item, how: Settlement): void {
    const { line } = item;
    line.busy = false;
    item.delayed = false;
    if (how.kind === 'ack' && !this.services.dice.happens('dropAck')) this.unsettled -= 1;
    else if (how.kind === 'retry' && how.delayMs > 0) this.#wait(item, how.delayMs);
    else {
      if (how.kind === 'release') item.attempts -= 1;
      line.returned.push(item);
    }
    this.#offerLine(line);
  }

  /** A member has room again. */
  offerAll(): void {
    this.#tellMissed();
    for (const line of this.#numbered) this.#offerLine(line);
    this.#offerLine(this.#parallel);
  }

  #miss(count: number): void {
    this.discarded += count;
    if (this.#untold === 0) this.services.soon(() => this.#tellMissed());
    this.#untold += count;
  }

  #tellMissed(): void {
    const count = this.#untold;
    if (count > 0 && this.members.some((member) => member.miss(count))) this.#untold -= count;
  }

  #lineOf(lane: Lane): Line {
    return (lane === 'unordered' ? undefined : this.#numbered[lane]) ?? this.#parallel;
  }

  #add(message: StoredMessage, from: 'logged' | 'own'): void {
    const line = this.#lineOf(message.lane);
    line[from].push(message);
    this.unsettled += 1;
    this.#offerLine(line);
  }

  #offerLine(line: Line): void {
    if (line.offered || !line.hasWork || this.members.length === 0) return;
    line.offered = true;
    this.#ready.push(line);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.services.soon(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    this.#trim();
    for (let count = 0; count < RUN; count++) {
      const line = this.#ready.shift();
      if (line === undefined) return;
      line.offered = false;
      const member = line.hasWork ? this.#nextMember(line.serial) : undefined;
      const item = member && line.take(); // without a member the line is offered again when one has room
      if (member === undefined || item === undefined) continue;
      line.busy = line.serial;
      const delayMs = item.delayed ? 0 : this.services.dice.delayMs();
      if (delayMs > 0) this.#wait(item, delayMs);
      else member.handOver(item);
      this.#offerLine(line);
    }
    if (this.#ready.size > 0) this.#schedule();
  }

  /** The members with room take turns. */
  #nextMember(serial: boolean): Member | undefined {
    for (let tried = 0; tried < this.members.length; tried++) {
      this.#turn = (this.#turn + 1) % this.members.length;
      const member = this.members[this.#turn];
      if (member?.hasRoom(serial) === true) return member;
    }
    return undefined;
  }

  /** Puts an item aside until its time has come; meanwhile its line stands still if it is serial. */
  #wait(item: Item, delayMs: number): void {
    const { line } = item;
    line.busy = line.serial;
    item.delayed = true;
    this.services.clock.after(Math.ceil(delayMs), () => {
      line.busy = false;
      line.returned.push(item);
      this.#offerLine(line);
    });
  }
}
