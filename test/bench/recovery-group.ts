import { setTimeout as delay } from 'node:timers/promises';
import { createMessaging } from '@waggle/messaging';
import type { Messaging } from '@waggle/messaging';
import { adapterTesting } from '../adapters/discover.ts';
import { GROUP } from './load.ts';
import { benchSettings, LANES } from './rig.ts';

/** So that a member that is killed was handling something. */
const HANDLING_MS = 10;

/** What a member says when it has joined. */
export const READY = 'ready';

export interface MemberSettings {
  /** The name of the adapter. */
  readonly kind: string;
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
  const drivers = await (await adapterTesting(kind)).broker?.use?.drivers(url);
  if (drivers === undefined) throw new Error(`[waggle] the adapter ${kind} has no broker.use for tests`);
  const messaging = createMessaging({ driver: drivers(settings), lanes: LANES });
  await messaging.open();
  await messaging.events.subscribe({ group: GROUP, types: ['*'] }, async ({ id }) => {
    await delay(HANDLING_MS);
    handled(id);
  });
  return messaging;
}
