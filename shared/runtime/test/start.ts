import type { MemoryBroker } from '@waggle/adapter-memory';
import { createMemoryDriver } from '@waggle/adapter-memory';
import { createRegistry } from '@waggle/contracts';
import * as parcels from '@waggle/contracts/testing';
import type { HandlerDefinition, Logger, NewEvent, UnitOfWork } from '@waggle/kernel';
import type { Projection } from '@waggle/event-sourcing';
import type { BrokerDriver, DriverSettings } from '@waggle/messaging';
import { ContainerModule } from 'inversify';
import { onTestFinished } from 'vitest';
import type { Host, HostOptions, Routes, Service } from '../src/index.ts';
import { defineService, offered, startHost } from '../src/index.ts';
import { provided } from '../src/identifiers.ts';

export interface Parts {
  readonly name?: string;
  /** @default the one event that the tests publish */
  readonly publishes?: Service['publishes'];
  readonly sends?: Service['sends'];
  readonly handlers?: readonly HandlerDefinition[];
  readonly projections?: readonly Projection[];
  readonly routes?: (unitOfWork: UnitOfWork) => Routes;
}

/** A service made for one test. */
export function aService({
  name = 'testing',
  publishes = [parcels.parcelArrived],
  sends = [],
  handlers = [],
  projections = [],
  routes,
}: Parts): Service {
  return defineService({
    name,
    publishes,
    sends,
    module: new ContainerModule(({ bind }) => {
      bind(offered.handlers).toConstantValue(handlers);
      bind(offered.projections).toConstantValue(projections);
      if (routes !== undefined) bind(offered.routes).toResolvedValue(routes, [provided.unitOfWork]);
    }),
  });
}

/** A host in memory that knows the contracts of tests alone, and stops when the test does. */
export async function aHost(services: readonly Service[], more: Partial<HostOptions> = {}): Promise<Host> {
  const environment = { PORT: '0', LOG_LEVEL: 'silent', ...more.environment };
  const host = await startHost({ services, contracts: createRegistry(parcels), ...more, environment });
  onTestFinished(async () => void (await host.stop()));
  return host;
}

/** `POST /things` publishes this event. */
export const publishing =
  (event: NewEvent) =>
  (unitOfWork: UnitOfWork): Routes =>
  (router) => {
    router.post('/things', async (context) => {
      await unitOfWork.run(async (tx) => tx.publish(event));
      return context.json({}, 202);
    });
  };

/** Remembers what was logged. */
export function memoryLogger() {
  const lines: { level: string; message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const at =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      void lines.push({ level, message, fields });
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { logger, lines };
}

/** Makes drivers in memory for a host: of this broker, with some of their methods replaced. */
export const memoryDriver =
  (broker?: MemoryBroker, replaced: (whole: BrokerDriver) => Partial<BrokerDriver> = () => ({})) =>
  (settings: DriverSettings): BrokerDriver => {
    const whole = createMemoryDriver(settings, broker);
    return Object.create(whole, Object.getOwnPropertyDescriptors(replaced(whole)));
  };
