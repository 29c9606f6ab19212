import { Container } from 'inversify';
import type {
  CloudEvent,
  Clock,
  Consumer,
  Contracts,
  HandlerDefinition,
  Ids,
  Logger,
  Observer,
} from '@waggle/kernel';
import { contextOf, groupName, MessagingError } from '@waggle/kernel';
import type { InboxUnitOfWork, Messaging, Store, Topology } from '@waggle/messaging';
import { createEventStore, createUnitOfWork, exactlyOnce, groupDeclaration } from '@waggle/messaging';
import { declaredOnly } from './declared.ts';
import type { Routes } from './identifiers.ts';
import { offered, provided } from './identifiers.ts';
import { withFields } from './logging.ts';
import type { RunningReadModels } from './read-models.ts';
import { createReadModels } from './read-models.ts';
import type { Service } from './service.ts';

export interface WiringOptions {
  readonly messaging: Messaging;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly observer: Observer;
  readonly leaseMs: number;
}

/** A service with its parts put together, not yet connected to anything. */
export interface WiredService {
  readonly service: Service;
  readonly routes: readonly Routes[];
  readonly handlers: readonly HandlerDefinition[];
  readonly unitOfWork: InboxUnitOfWork;
  readonly readModels: RunningReadModels;
}

/** Puts a service together in a container of its own, so that no service sees the parts of another. */
export function wire(
  service: Service,
  { messaging, store, clock, ids, logger, leaseMs }: WiringOptions,
): WiredService {
  const container = new Container({ defaultScope: 'Singleton' });
  container.load(service.module);
  const upcasters = container.isBound(offered.upcasters) ? container.get(offered.upcasters) : undefined;
  const { publisher } = messaging;
  const record = { store, publisher, service: service.name, clock, ids, upcasters };
  const unitOfWork = declaredOnly(createUnitOfWork(record), service);
  const events = createEventStore(record);
  const projections = container.isBound(offered.projections) ? container.get(offered.projections) : [];
  const { name } = service;
  const readModels = createReadModels({
    service: name,
    projections,
    events,
    unitOfWork,
    store,
    clock,
    logger,
    leaseMs,
  });
  container.bind(provided.eventStore).toConstantValue(events);
  container.bind(provided.readModels).toConstantValue(readModels);
  container.bind(provided.unitOfWork).toConstantValue(unitOfWork);
  container.bind(provided.events).toConstantValue(messaging.events);
  container.bind(provided.deadLetters).toConstantValue(messaging.deadLetters);
  container.bind(provided.clock).toConstantValue(clock);
  container.bind(provided.ids).toConstantValue(ids);
  container.bind(provided.logger).toConstantValue(withFields(logger, { service: service.name }));
  return {
    service,
    unitOfWork,
    readModels,
    routes: container.getAll(offered.routes, { optional: true }),
    handlers: container.getAll(offered.handlers, { optional: true }).flat(),
  };
}

/** Everything that must exist before the first message: what is published later finds its group, what is sent its queue. */
export function topologyOf(wired: readonly WiredService[], known?: Contracts): Topology {
  const groups = wired.flatMap(({ service, handlers }) =>
    handlers
      .filter(({ kind }) => kind === 'event')
      .map((handler) => groupDeclaration(subscriptionOf(service, handler), known)),
  );
  const commands = wired.flatMap(({ service, handlers }) => [
    ...service.sends,
    ...handlers.filter(({ kind }) => kind === 'command').flatMap(({ contracts }) => contracts),
  ]);
  return { groups, queues: [...new Set(commands.map(({ type }) => contextOf(type)))] };
}

function subscriptionOf(service: Service, { name, contracts, options }: HandlerDefinition) {
  return { group: groupName(service.name, name), types: contracts.map(({ type }) => type), ...options };
}

/** Starts the consumers of a service: a group for each event handler, one queue for all commands of a context. */
export async function startConsumers(
  { service, handlers, unitOfWork }: WiredService,
  { messaging, observer }: WiringOptions,
): Promise<ReadonlyMap<string, Consumer>> {
  const consumers = new Map<string, Consumer>();
  const byContext = new Map<string, HandlerDefinition[]>();
  for (const handler of handlers) {
    if (handler.kind === 'event') {
      const subscription = subscriptionOf(service, handler);
      const once = exactlyOnce(unitOfWork, handler.handle, observer);
      consumers.set(subscription.group, await messaging.events.subscribe(subscription, once));
    } else {
      for (const context of new Set(handler.contracts.map(({ type }) => contextOf(type)))) {
        byContext.set(context, [...(byContext.get(context) ?? []), handler]);
      }
    }
  }
  for (const [context, ofContext] of byContext) {
    const types = ofContext.flatMap(({ contracts }) => contracts.map(({ type }) => type));
    const [{ options } = { options: {} }] = ofContext;
    const once = exactlyOnce(unitOfWork, byType(ofContext), observer);
    consumers.set(context, await messaging.queue.receive({ ...options, context, types }, once));
  }
  return consumers;
}

function byType(handlers: readonly HandlerDefinition[]): HandlerDefinition['handle'] {
  const found = (message: CloudEvent) =>
    handlers.find(({ contracts }) => contracts.some(({ type }) => type === message.type));
  return async (message, tx, context) => {
    const handler = found(message);
    if (handler === undefined) throw new MessagingError('invalid', `no handler for ${message.type}`);
    await handler.handle(message, tx, context);
  };
}

/** Mistakes in how services fit together; found before anything is connected. */
export function findConflicts(wired: readonly WiredService[]): string[] {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  const taken = new Set<string>();
  const commands = new Set<string>();
  for (const { service, handlers, readModels } of wired) {
    for (const name of readModels.names.filter((each, index, all) => all.indexOf(each) !== index)) {
      problems.push(`${service.name} has two read models named ${name}: rename one`);
    }
    if (taken.has(service.name)) problems.push(`two services are named ${service.name}: rename one`);
    taken.add(service.name);
    const names = handlers.map(({ name }) => name);
    for (const name of names.filter((name, index) => names.indexOf(name) !== index)) {
      problems.push(
        `${service.name} has two handlers named ${name}: rename one, since a name is a consumer group`,
      );
    }
    for (const { name, options } of handlers) {
      if (options.afterDeadLetter === 'halt' && options.ordering === 'none') {
        problems.push(
          `${service.name}.${name} halts after a dead letter and has no order: nothing can wait, so give it ordering "by-key", or let it continue`,
        );
      }
    }
    for (const { type } of handlers
      .filter(({ kind }) => kind === 'command')
      .flatMap(({ contracts }) => contracts)) {
      if (commands.has(type)) problems.push(`two handlers handle ${type}: a command has one`);
      commands.add(type);
      const context = contextOf(type);
      const owner = owners.get(context) ?? service.name;
      owners.set(context, owner);
      if (owner !== service.name)
        problems.push(`${owner} and ${service.name} both handle commands of ${context}: one service may`);
    }
  }
  for (const { service, handlers } of wired) {
    const options = new Map<string, string>();
    for (const handler of handlers.filter(({ kind }) => kind === 'command')) {
      for (const context of new Set(handler.contracts.map(({ type }) => contextOf(type)))) {
        const own = JSON.stringify(handler.options);
        if ((options.get(context) ?? own) !== own) {
          problems.push(
            `${service.name} handles commands of ${context} with different options: a queue has one set`,
          );
        }
        options.set(context, own);
      }
    }
  }
  return problems;
}
