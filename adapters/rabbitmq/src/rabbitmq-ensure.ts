import { withChannel } from './rabbitmq-channel.ts';
import type { Session } from './rabbitmq-session.ts';

/** What is to exist on the server, as data: an exchange if it has a type, else a queue. */
export interface Resource {
  readonly name: string;
  readonly type?: 'topic' | 'fanout';
  readonly args?: Readonly<Record<string, unknown>>;
  /** Of a queue: what is routed to it, besides what is sent straight to it. */
  readonly exchange?: string;
  readonly keys?: readonly string[];
}

/**
 * 4.x drops a message after 20 failures unless told otherwise; when to give up is decided above the driver, and what is held
 * in its place comes again for as long as nobody looks after it.
 */
const DELIVERY_LIMIT = 2_000_000_000;
export const QUORUM = { 'x-queue-type': 'quorum', 'x-delivery-limit': DELIVERY_LIMIT };
/** The client library has one request under way on a channel: this many channels work at a time. */
const PARALLEL = 8;

export const isBound = ({ settings }: Pick<Session, 'settings'>): boolean => settings.topology === 'bind';

/**
 * Creates what does not exist yet, and fails where what exists differs: the server compares it. Who only binds looks
 * whether it is there, which needs no permission.
 */
export async function ensure(session: Session, wanted: readonly Resource[]): Promise<void> {
  const left = [...wanted];
  const bound = isBound(session);
  const workOff = (): Promise<void> =>
    withChannel(session.model, async (channel) => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const { name, type, args, exchange = '', keys = [] } = next;
        if (bound) await (type === undefined ? channel.checkQueue(name) : channel.checkExchange(name));
        else if (type !== undefined) await channel.assertExchange(name, type, { arguments: args });
        else await channel.assertQueue(name, { arguments: args });
        if (!bound) for (const key of keys) await channel.bindQueue(name, exchange, key);
      }
    });
  await Promise.all(Array.from({ length: Math.min(PARALLEL, wanted.length) }, workOff));
}
