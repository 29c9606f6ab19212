export type { DeciderThen, DeciderWhen } from './decider.ts';
export { given, stateAfter } from './decider.ts';
export { project } from './projection.ts';
