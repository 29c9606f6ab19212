export type { SettledOptions } from './settled.ts';
export { settled } from './settled.ts';
export type { VirtualClock } from '@waggle/messaging';
export { virtualClock } from '@waggle/messaging';
