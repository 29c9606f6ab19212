import { createMessaging, randomIds, systemClock } from '@waggle/messaging';
import type { BrokerDriver } from '@waggle/messaging';
import type { Environment } from '../configuration.ts';
import type { Surroundings } from '../configure.ts';
import { configure } from '../configure.ts';
import { topologyOf, wire } from '../wiring.ts';

/**
 * `group <name>` and `queue <name>` of everything that the services have a handler or a command for.
 * @param given @default all services of this repository, whatever SERVICES says
 */
export async function handledHere(
  environment: Environment,
  driver: BrokerDriver,
  given: Pick<Surroundings, 'services'> = {},
): Promise<ReadonlySet<string>> {
  const { services, settings, store, logger } = await configure({
    ...given,
    environment: { ...environment, SERVICES: '' },
    driver: () => driver,
  });
  const messaging = createMessaging({ driver });
  const wiring = {
    ...{ messaging, store, clock: systemClock, ids: randomIds, logger, observer: () => undefined },
    leaseMs: settings.LEASE_MS,
  };
  const { groups = [], queues = [] } = topologyOf(services.map((service) => wire(service, wiring)));
  return new Set([...groups.map(({ group }) => `group ${group}`), ...queues.map((name) => `queue ${name}`)]);
}
