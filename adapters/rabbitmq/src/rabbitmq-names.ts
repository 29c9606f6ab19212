import type { ConsumeOptions, Lane } from '@waggle/messaging';

/** Everything this driver makes on a server, by name. Foreign clients rely on these: they are the wire format. */
export interface Names {
  /** Topic exchange; key `<lane>.<type>`. */
  readonly events: string;
  /** Stream queue with every event. */
  readonly log: string;
  /** Topic exchange; key `<context>.<lane>.<type>`. */
  readonly commands: string;
  /** Stream queue with every dead letter; addressed through the default exchange. */
  readonly dead: string;
  /** An exchange without traffic that remembers the lane count in its `alternate-exchange`. */
  readonly lanes: string;
  lanesMarker(count: number): string;
  /** What the queues of a group or a context begin with. */
  base(source: ConsumeOptions['source']): string;
  /** The exchange and the queue of one delay level. */
  delay(levelMs: number): string;
}

export function createNames(namespace: string): Names {
  return {
    events: `${namespace}.evt`,
    log: `${namespace}.evt.log`,
    commands: `${namespace}.cmd`,
    dead: `${namespace}.dead`,
    lanes: `${namespace}.lanes`,
    lanesMarker: (count) => `${namespace}.lanes.${count}`,
    base: (source) =>
      source.kind === 'group' ? `${namespace}.grp.${source.group}` : `${namespace}.cmd.${source.context}`,
    delay: (levelMs) => `${namespace}.delay.${levelMs}`,
  };
}

/** Every lane of a namespace: the numbered ones, then the one without order. */
export function lanesOf(count: number): Lane[] {
  return [...Array.from({ length: count }, (_, lane) => lane), 'unordered'];
}

export const laneQueue = (base: string, lane: Lane): string => `${base}.${lane}`;
/** The one queue of a group without order. */
export const allQueue = (base: string): string => `${base}.all`;
/** The queues that hold the messages of a source. */
export function queuesOf(base: string, ordering: 'by-key' | 'none', lanes: number): string[] {
  return ordering === 'none' ? [allQueue(base)] : lanesOf(lanes).map((lane) => laneQueue(base, lane));
}
/** Always empty: its consumers are the members of a group, its arguments tell the group's ordering. */
export const membersQueue = (base: string): string => `${base}.members`;

/** One message, the lock and checkpoint of a group that does not begin at "new". */
export const pumpQueue = (base: string): string => `${base}.pump`;

/** Binding key of what a subscription asks for (a type, `<context>.*` or `*`); `lane` may be the wildcard `*`. */
export function bindingKey(lane: Lane | '*', pattern: string): string {
  if (pattern === '*') return `${lane}.#`;
  return pattern.endsWith('.*') ? `${lane}.${pattern.slice(0, -1)}#` : `${lane}.${pattern}`;
}

const ROUTING_KEY = /^(?:[a-z][a-z0-9-]*\.)?(\d+|unordered)\.(.+)$/;

/** Lane and type of a routing key, of an event or of a command. */
export function parseRoutingKey(key: string): { readonly lane: Lane; readonly type: string } | undefined {
  const [, lane, type] = ROUTING_KEY.exec(key) ?? [];
  return lane === undefined || type === undefined ? undefined : { lane: parseLane(lane), type };
}

export function parseLane(text: string): Lane {
  return /^\d+$/.test(text) ? Number(text) : 'unordered';
}

const FIRST_LEVEL_MS = 50;
const LEVEL_FACTOR = 1.4;

/** The delay level for a retry: the smallest on the grid that is not shorter, because a delay is a floor. */
export function delayLevel(delayMs: number): number {
  let level = FIRST_LEVEL_MS;
  while (level < delayMs) level = Math.ceil(level * LEVEL_FACTOR);
  return level;
}
