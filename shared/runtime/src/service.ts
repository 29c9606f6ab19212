import type { ContainerModule } from 'inversify';
import type { AnyContract } from '@waggle/kernel';
import { checkName } from '@waggle/kernel';

export type AnyEvent = AnyContract & { readonly kind: 'event' };
export type AnyCommand = AnyContract & { readonly kind: 'command' };

/** A service: its name, what it says to others, and how its parts are put together. */
export interface Service {
  /** Source of its messages and first half of its consumer groups. */
  readonly name: string;
  /** Events that it announces. What is not listed cannot be published: this is the table of contents. */
  readonly publishes: readonly AnyEvent[];
  /** Commands that it sends, no others. The host makes sure that their queues exist. */
  readonly sends: readonly AnyCommand[];
  /** Binds the parts; `offered.routes` and `offered.handlers` are where the host looks for what drives the service. */
  readonly module: ContainerModule;
}

/** The table of contents and composition root of a service. @throws MessagingError `invalid` for a bad name */
export function defineService({
  name,
  publishes = [],
  sends = [],
  module,
}: Pick<Service, 'name' | 'module'> & Partial<Service>): Service {
  checkName('service', name);
  return { name, publishes, sends, module };
}
