import { checkGroup, checkName } from '@waggle/kernel';
import type { ConsumeOptions, Destination, DriverSettings, Lane, OutgoingMessage } from '@waggle/messaging';
import { fail } from './nats-errors.ts';

/**
 * How Waggle's things are called on a NATS server. Foreign clients rely on it; the README describes it. No name of
 * Waggle's contains `_`, so `_` joins names where NATS refuses dots.
 */

/** What is consumed. */
export type Taking = ConsumeOptions['source'];
export type Ordering = ConsumeOptions['ordering'];

/** One durable consumer on the server: one lane of a group or queue, or all of a group that wants no order. */
export interface Line {
  /** Its name among all. */
  readonly key: string;
  readonly stream: string;
  readonly durable: string;
  readonly filter: string;
  /** At most one message is unsettled at a time. */
  readonly ordered: boolean;
}

/**
 * The stream that keeps the messages of a source, or those for one group alone, and the root of their subjects.
 * @throws MessagingError `invalid`
 */
export function placeOf(ns: string, source: Destination): { readonly stream: string; readonly root: string } {
  if (source.kind === 'dead-letters') return { stream: `${ns}_dead`, root: `${ns}.dead` };
  if (source.kind !== 'queue') return { stream: `${ns}_evt`, root: `${ns}.evt` };
  checkName('queue', source.context);
  return { stream: `${ns}_cmd_${source.context}`, root: `${ns}.cmd.${source.context}` };
}

/** The durables of a group or queue; of lanes, the one without order comes last. @throws MessagingError `invalid` */
export function linesOf(settings: DriverSettings, source: Taking, ordering: Ordering): readonly Line[] {
  const { stream, root } = placeOf(settings.namespace, source);
  if (source.kind === 'group') checkGroup(source.group);
  const name = source.kind === 'group' ? source.group.replace('.', '_') : 'lane';
  const suffixes = ordering === 'none' ? ['all'] : [...Array(settings.lanes).keys(), 'unordered'];
  return suffixes.map((suffix) => {
    const durable = `${name}_${suffix}`;
    const filter = suffix === 'all' ? `${root}.>` : `${root}.${suffix}.>`;
    return { key: `${stream}/${durable}`, stream, durable, filter, ordered: typeof suffix === 'number' };
  });
}

const GROUP_DURABLE = /^([a-z][a-z0-9-]*)_([a-z][a-z0-9-]*)_(all|unordered|\d+)$/;
const QUEUE_DURABLE = /^lane_(unordered|\d+)$/;

/** Whose durable that is; `undefined` for what is not Waggle's. */
export function takingOf(ns: string, stream: string, durable: string): Taking | undefined {
  if (QUEUE_DURABLE.test(durable)) return queueOf(ns, stream);
  const [, service, handler] = GROUP_DURABLE.exec(durable) ?? [];
  const isGroup = service !== undefined && stream === placeOf(ns, { kind: 'stream' }).stream;
  return isGroup ? { kind: 'group', group: `${service}.${handler}` } : undefined;
}

/** The queue that a stream is. */
export function queueOf(ns: string, stream: string): Taking | undefined {
  const prefix = `${ns}_cmd_`;
  return stream.startsWith(prefix) ? { kind: 'queue', context: stream.slice(prefix.length) } : undefined;
}

/** Subjects of what was redriven to a group. */
export function redrivesOf(ns: string, group: string): string {
  return `${placeOf(ns, { kind: 'stream' }).root}.*.${GROUP_MARK}${group}.>`;
}

/** A redrive is for one group alone: it travels in the lane it would have had, marked with the group. */
const GROUP_MARK = '@';
const TYPE = /^(?!@)[^\s.*>\u0000-\u0020\u007f-\uffff]+(\.[^\s.*>\u0000-\u0020\u007f-\uffff]+)*$/;

/** Where a message is published. @throws MessagingError `invalid` */
export function subjectOf(ns: string, { to, lane, type }: OutgoingMessage): string {
  const { root } = placeOf(ns, to);
  if (to.kind === 'dead-letters') return root;
  if (!TYPE.test(type)) throw fail('invalid', `the type ${JSON.stringify(type)} cannot be part of a subject`);
  if (to.kind !== 'group') return `${root}.${lane}.${type}`;
  checkGroup(to.group);
  return `${root}.${lane}.${GROUP_MARK}${to.group}.${type}`;
}

export interface Address {
  readonly lane: Lane;
  /** Of a redrive: the only group that it is for. */
  readonly group: string | undefined;
  readonly type: string | undefined;
}

const LANE = /^[0-9]+$/;

/** The inverse of `subjectOf`, also for what foreign producers made of it. */
export function parseSubject(root: string, subject: string): Address {
  const start = root.length + 1;
  const dot = subject.indexOf('.', start);
  const token = dot < 0 ? subject.slice(start) : subject.slice(start, dot);
  const lane = LANE.test(token) ? Number(token) : 'unordered';
  const rest = dot < 0 ? '' : subject.slice(dot + 1);
  if (!rest.startsWith(GROUP_MARK)) return { lane, group: undefined, type: rest === '' ? undefined : rest };
  const [service = '', handler = '', ...type] = rest.slice(GROUP_MARK.length).split('.');
  return { lane, group: `${service}.${handler}`, type: type.length === 0 ? undefined : type.join('.') };
}
