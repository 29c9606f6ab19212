export type { Access, Operation } from './access.ts';
export type { Faults } from './faults.ts';
export type { MemoryBroker, MemoryBrokerOptions } from './memory-broker.ts';
export { createMemoryBroker } from './memory-broker.ts';
export type { MemoryDriver } from './memory-driver.ts';
export { createMemoryDriver } from './memory-driver.ts';
export type { MemoryDatabase } from './store/memory-store.ts';
export { createMemoryDatabase, createMemoryStore } from './store/memory-store.ts';
