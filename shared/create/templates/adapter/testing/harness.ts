import type { ContractHarness } from '@waggle/test/contract';
import { contractSettings } from '@waggle/test/contract/settings';
import { createPaperPlaneDriver } from '../src/index.ts';

/**
 * How the contract suite gets at this adapter; test/contract/README.md says what each part is. `PAPER_PLANE_URL` is a server that
 * other tests may use as well: each works in a namespace of its own.
 */
export async function paperPlaneHarness(
  url = process.env['PAPER_PLANE_URL'] ?? 'paper-plane://127.0.0.1:7777',
): Promise<ContractHarness> {
  return {
    name: 'paper-plane',
    limits: { deadlineMs: 30_000, leaseMs: 2_000 },
    // What the broker truly cannot do, with the reason: the tests then assert the documented alternative.
    declares: {},
    driver: (overrides) => createPaperPlaneDriver(contractSettings(overrides), { url }),
    reservedHeaders: ['content-type'],
    // The passwords of the connections that are made here: they have to stay out of logs and errors.
    secrets: [],
    // link, privateServer, foreign, restricted, secured. Begin with link: `@waggle/test/contract/tcp-link` has most of it.
    faults: {},
    // With `sweep`, what a test leaves on the server is removed.
    close: async () => undefined,
  };
}
