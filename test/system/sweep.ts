import { connect as connectRabbit } from 'amqplib';
import { connect as connectNats } from 'nats';
import type { BrokerKind } from '../bench/raw-publishers.ts';
import { connectionTo, sweepNats } from '../../adapters/nats/testing/sweep.ts';
import { sweepRabbitmq } from '../../adapters/rabbitmq/testing/sweep.ts';

/** Removes what a run had on a server that others use as well; `sources` are `grp.<group>` and `cmd.<context>`. */
export async function sweep(
  kind: BrokerKind,
  url: string,
  namespace: string,
  sources: readonly string[],
): Promise<void> {
  const raw = kind === 'nats' ? await connectNats(connectionTo(url)) : await connectRabbit(url);
  try {
    await ('jetstream' in raw ? sweepNats(raw, namespace) : sweepRabbitmq(raw, namespace, sources));
  } finally {
    await raw.close();
  }
}
