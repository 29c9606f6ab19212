export type { PaperPlaneOptions } from './paper-plane-connection.ts';
export { createPaperPlaneDriver } from './paper-plane-driver.ts';
