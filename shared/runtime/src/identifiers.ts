import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ServiceIdentifier } from 'inversify';
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
  deadLetters: identifier<DeadLetters>('DeadLetters'),
  clock: identifier<Clock>('Clock'),
  ids: identifier<Ids>('Ids'),
  logger: identifier<Logger>('Logger'),
};

/** What a service may bind for the host to find. */
export const offered = {
  upcasters: identifier<Upcasters>('Upcasters'),
  routes: identifier<Routes>('Routes'),
  handlers: identifier<readonly HandlerDefinition[]>('Handlers'),
};
