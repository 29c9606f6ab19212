export * from './contract.ts';
export * from './money.ts';
export * from './ordering.ts';
export * from './payments.ts';
export * from './registry.ts';
