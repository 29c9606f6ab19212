export type { NatsOptions } from './nats-connection.ts';
export { createNatsDriver } from './nats-driver.ts';
