import type { BrokerUse } from '@waggle/test/adapter';
import { connect } from 'amqplib';
import { createRabbitMqDriver } from '../src/index.ts';
import { sweepRabbitmq } from './sweep.ts';

export const drivers: BrokerUse['drivers'] = async (url) => (settings) =>
  createRabbitMqDriver(settings, { url, name: settings.namespace });

export const sweep: BrokerUse['sweep'] = async (url, namespace, { sources, lanes, delays }) => {
  const raw = await connect(url);
  try {
    await sweepRabbitmq(raw, namespace, sources, { lanes, ...(delays && { delays }) });
  } finally {
    await raw.close();
  }
};
