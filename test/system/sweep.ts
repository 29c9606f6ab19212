import { connect as connectRabbit } from 'amqplib';
import { connect as connectNats } from 'nats';
import type { BrokerKind } from '../bench/raw-publishers.ts';
import { connectionTo, sweepNats } from '../../adapters/nats/testing/sweep.ts';
import { sweepRabbitmq } from '../../adapters/rabbitmq/testing/sweep.ts';

/** What the services have on a broker: their groups, and the queues of commands. */
const SOURCES = ['grp.ordering.settle-order', 'grp.notifications.notify-customer', 'cmd.payments'];

/** Removes what a run had on a server that others use as well. */
export async function sweep(kind: BrokerKind, url: string, namespace: string): Promise<void> {
  const raw = kind === 'nats' ? await connectNats(connectionTo(url)) : await connectRabbit(url);
  try {
    await ('jetstream' in raw ? sweepNats(raw, namespace) : sweepRabbitmq(raw, namespace, SOURCES));
  } finally {
    await raw.close();
  }
}
