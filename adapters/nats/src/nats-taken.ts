import { countBefore, Trail } from '@waggle/messaging';
import type { ConsumerInfo } from 'nats';
import type { NatsLink } from './nats-connection.ts';
import { infosOf } from './nats-groups.ts';
import type { Line } from './nats-names.ts';
import { boundsOf } from './nats-streams.ts';

/** A message that is being handled. */
export interface Held {
  readonly taken: Taken;
  /** In the stream. */
  readonly position: number;
  /** Where settlements go. Another after a redelivery to ourselves. */
  reply: string;
  /** Until when a settlement counts: then another member may have the message. */
  leasedUntil: number;
}

/** A durable of which a consumer takes, with the places that it has. */
export interface Taken {
  readonly line: Line;
  /** Most unsettled deliveries at a time. */
  readonly capacity: number;
  /** By position. A retry that waits is no longer among them. */
  readonly unsettled: Map<number, Held>;
  /** Messages that were asked for in the current session and have not come. */
  requested: number;
  askedAt: number;
  /** Whether it was deleted: nothing can be asked for until this consumer is attached again. */
  gone: boolean;
  /** Whether the server may know a higher floor than we do. */
  stale: boolean;
  /** What was acknowledged last. The acknowledgement may be lost; of a lane, no other's can be. */
  lastAcked: number;
  /** When the durable was created. Another may be there of the same name, which begins elsewhere. */
  created: string;
  /** How far it has come. */
  trail: Trail;
}

export function newTaken(line: Line, capacity: number): Taken {
  const idle = { requested: 0, askedAt: 0, gone: false, stale: false, lastAcked: 0, created: '' };
  return { line, capacity, unsettled: new Map(), trail: new Trail(0), ...idle };
}

/** Learns up to where nothing is left. Of a group another durable may be there of the same name, which began elsewhere. */
export function learn(taken: Taken, info: ConsumerInfo | undefined, floors: Map<string, number>): void {
  const { key, stream } = taken.line;
  const isOther = info !== undefined && info.created !== taken.created;
  // Of a queue everything that is there is not done, whenever its durable was created.
  if (isOther && stream.endsWith('_evt')) {
    Object.assign(taken, {
      created: info.created,
      lastAcked: 0,
      trail: new Trail(info.delivered.stream_seq),
    });
    floors.delete(key);
  }
  // Before the first acknowledgement the server's own floor is 0, wherever the durable began.
  const settled = info?.num_ack_pending === 0 ? info.delivered : info?.ack_floor;
  const began = (info?.config.opt_start_seq ?? 1) - 1;
  floors.set(key, Math.max(floors.get(key) ?? 0, settled?.stream_seq ?? 0, began));
  taken.lastAcked = Math.min(taken.lastAcked, floors.get(key) ?? 0); // less, if the stream was made anew
}

/**
 * How much the retention discarded, since this was asked last, of lanes that had not come to it or jumped over it. An upper
 * bound: the server tells what is gone of the stream, and not of a lane.
 */
export async function countMissed(link: NatsLink, all: readonly Taken[]): Promise<number> {
  const spans = all.flatMap(({ trail }) => trail.takeJumps());
  const { first, last } = await boundsOf(link, 'stream');
  // A lane without messages is handed none: how far it is is asked for, long before the retention comes near.
  const behind = all.filter(({ trail }) => trail.reached < (first + last) / 2);
  const infos = await infosOf(
    link,
    behind.map(({ line }) => line),
  );
  behind.forEach(({ trail }, index) => {
    const info = infos[index];
    spans.push(...trail.leaveBehind(first));
    if (info !== undefined) trail.advance(info.num_pending === 0 ? last : info.delivered.stream_seq);
  });
  return countBefore(first, spans);
}
