import type { BrokerUse } from '@waggle/test/adapter';
import type { RunningServer } from '@waggle/test/servers';
import { connect } from 'nats';
import { createNatsDriver } from '../src/index.ts';
import { connectionTo, sweepNats } from './sweep.ts';

export const drivers: BrokerUse['drivers'] = async (url) => (settings) => createNatsDriver(settings, { url });

export const sweep: BrokerUse['sweep'] = async (url, namespace) => {
  const raw = await connect(connectionTo(url));
  try {
    await sweepNats(raw, namespace);
  } finally {
    await raw.close();
  }
};

/** The names of its streams. */
export async function listing({ url }: RunningServer): Promise<string> {
  const raw = await connect(connectionTo(url));
  const names: string[] = [];
  try {
    for await (const name of (await raw.jetstreamManager()).streams.names()) names.push(name);
  } finally {
    await raw.close();
  }
  return names.join('\n');
}
