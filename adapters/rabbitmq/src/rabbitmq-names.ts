import type { ConsumeOptions, Lane } from '@waggle/messaging';

export type Names = ReturnType<typeof createNames>;

/** Everything this driver makes on a server, by name. Foreign clients rely on these: they are the wire format. */
export function createNames(namespace: string) {
  return {
    /** Topic exchange; key `<lane>.<type>`. */
    events: `${namespace}.evt`,
    /** Stream queue with every event. */
    log: `${namespace}.evt.log`,
    /** Topic exchange; key `<context>.<lane>.<type>`. */
    commands: `${namespace}.cmd`,
    /** Stream queue with every dead letter; addressed through the default exchange. */
    dead: `${namespace}.dead`,
    /** Stream queue with what was declared. */
    registry: `${namespace}.groups`,
    /** An exchange without traffic that remembers the lane count in its `alternate-exchange`. */
    lanes: `${namespace}.lanes`,
    /** What the queues of a group or a context begin with. */
    base: (source: ConsumeOptions['source']): string =>
      source.kind === 'group' ? `${namespace}.grp.${source.group}` : `${namespace}.cmd.${source.context}`,
    /** The exchange and the queue of one delay level. */
    delay: (levelMs: number): string => `${namespace}.delay.${levelMs}`,
  };
}

/** The queue of one lane of a source that is ordered by key. */
export const laneQueue = (base: string, lane: Lane): string => `${base}.${lane}`;
/** The one queue of a group without order. */
export const allQueue = (base: string): string => `${base}.all`;
/** Always empty: its consumers are the members of a group, its arguments tell the group's ordering. */
export const membersQueue = (base: string): string => `${base}.members`;
/** One message, the lock and checkpoint of a group that does not begin at "new". */
export const pumpQueue = (base: string): string => `${base}.pump`;

/** The queues that hold the messages of a source, each with its lane unless it holds all. */
export function queuesOf(base: string, ordering: ConsumeOptions['ordering'], lanes: number) {
  if (ordering === 'none') return [{ lane: undefined, name: allQueue(base) }];
  const all: Lane[] = [...Array(lanes).keys(), 'unordered'];
  return all.map((lane) => ({ lane, name: laneQueue(base, lane) }));
}

/** Binding key of what a subscription asks for (a type, `<context>.*` or `*`), in one lane or in all. */
export function bindingKey(lane: Lane | '*', pattern: string): string {
  return `${lane}.${pattern === '*' ? '#' : pattern.replace(/\*$/, '#')}`;
}

const ROUTING_KEY = /^(?:[a-z][a-z0-9-]*\.)?(\d+|unordered)\.(.+)$/;

/** Lane and type of a routing key, of an event or of a command. */
export function parseRoutingKey(key: string): { readonly lane: Lane; readonly type: string } | undefined {
  const [, lane, type] = ROUTING_KEY.exec(key) ?? [];
  return lane === undefined || type === undefined ? undefined : { lane: parseLane(lane), type };
}

export const parseLane = (text: string): Lane => (/^\d+$/.test(text) ? Number(text) : 'unordered');
