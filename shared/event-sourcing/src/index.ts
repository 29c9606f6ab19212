export type { Aggregate, AggregateOptions, Handled, Loaded, SnapshotPolicy } from './aggregate.ts';
export { defineAggregate } from './aggregate.ts';
export type { Projection, ProjectionOptions } from './projection.ts';
export { defineProjection } from './projection.ts';
export type { Projector, ProjectorOptions } from './projector.ts';
export { createProjector } from './projector.ts';
export type { Upcaster } from './upcasters.ts';
export { createUpcasters, upcaster } from './upcasters.ts';
