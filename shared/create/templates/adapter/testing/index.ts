export { paperPlaneHarness } from './harness.ts';
