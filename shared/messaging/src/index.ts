export type * from './driver.ts';
export type * from './store.ts';
