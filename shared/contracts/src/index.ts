/** What a contract is made with. The contracts themselves are files of their contexts: `@waggle/contracts/<context>`. */
export * from './contract.ts';
export * from './money.ts';
export * from './registry.ts';
