import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ServiceIdentifier } from 'inversify';
import type { Projection } from '@waggle/event-sourcing';
import type {
  Clock,
  DeadLetters,
  EventStore,
  EventStream,
  HandlerDefinition,
  Ids,
  Logger,
  UnitOfWork,
  Upcasters,
} from '@waggle/kernel';
import type { ReadModels } from './read-models.ts';

/** Names a binding and remembers its type, so that wiring it to the wrong parameter does not compile. */
export function identifier<Bound>(name: string): ServiceIdentifier<Bound> {
  return Symbol(name);
}

/** Adds its routes to the router of its service. */
export type Routes = (router: OpenAPIHono) => void;

/** What the host binds for every service. */
export const provided = {
  unitOfWork: identifier<UnitOfWork>('UnitOfWork'),
  events: identifier<EventStream>('EventStream'),
  eventStore: identifier<EventStore>('EventStore'),
  readModels: identifier<ReadModels>('ReadModels'),
  deadLetters: identifier<DeadLetters>('DeadLetters'),
  clock: identifier<Clock>('Clock'),
  ids: identifier<Ids>('Ids'),
  logger: identifier<Logger>('Logger'),
};

/** What a service may bind for the host to find; routes and handlers as often as it has files of them. */
export const offered = {
  upcasters: identifier<Upcasters>('Upcasters'),
  /** Read models that are kept up with the event store, a moment behind it. */
  projections: identifier<readonly Projection[]>('Projections'),
  routes: identifier<Routes>('Routes'),
  handlers: identifier<readonly HandlerDefinition[]>('Handlers'),
};
