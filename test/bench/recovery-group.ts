import { setTimeout as delay } from 'node:timers/promises';
import { createNatsDriver } from '@waggle/adapter-nats';
import { createRabbitMqDriver } from '@waggle/adapter-rabbitmq';
import { createMessaging } from '@waggle/messaging';
import type { Messaging } from '@waggle/messaging';
import type { BrokerKind } from './raw-publishers.ts';
import { GROUP } from './load.ts';
import { benchSettings, LANES } from './rig.ts';

/** So that a member that is killed was handling something. */
const HANDLING_MS = 10;

/** What a member says when it has joined. */
export const READY = 'ready';

export interface MemberSettings {
  readonly kind: BrokerKind;
  readonly url: string;
  readonly namespace: string;
  readonly leaseMs: number;
}

/** Joins a group by key; `handled` is told the id of each event when it has been handled. */
export async function joinGroup(
  { kind, url, namespace, leaseMs }: MemberSettings,
  handled: (id: string) => void,
): Promise<Messaging> {
  const settings = { ...benchSettings(namespace), leaseMs };
  const create = kind === 'nats' ? createNatsDriver : createRabbitMqDriver;
  const messaging = createMessaging({ driver: create(settings, { url }), lanes: LANES });
  await messaging.open();
  await messaging.events.subscribe({ group: GROUP, types: ['*'] }, async ({ id }) => {
    await delay(HANDLING_MS);
    handled(id);
  });
  return messaging;
}
