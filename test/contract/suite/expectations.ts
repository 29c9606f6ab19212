import assert, { AssertionError } from 'node:assert/strict';
import { inspect } from 'node:util';
import { MessagingError } from '@waggle/kernel';
import type { MessagingErrorCode } from '@waggle/kernel';
import type { BrokerDriver, OutgoingMessage } from '@waggle/messaging';
import type { Handled } from './bench.ts';
import type { ContractHarness } from './harness.ts';

/** The `MessagingError` that `promise` rejects with, which must have this code. */
export async function rejection(
  promise: Promise<unknown>,
  ...codes: readonly MessagingErrorCode[]
): Promise<MessagingError> {
  const expected = `a MessagingError "${codes.join('" or "')}"`;
  const error = await promise.then(
    () => {
      throw new AssertionError({ message: `expected ${expected}, but it resolved` });
    },
    (thrown: unknown) => thrown,
  );
  if (error instanceof AssertionError) throw error;
  if (error instanceof MessagingError && codes.includes(error.code)) return error;
  const got = error instanceof MessagingError ? `"${error.code}": ${error.message}` : String(error);
  throw new AssertionError({ message: `expected ${expected}, got ${got}` });
}

/** Publishes and expects that all is confirmed. */
export async function confirmed(
  driver: BrokerDriver,
  ...messages: readonly OutgoingMessage[]
): Promise<void> {
  const failed = (await driver.publish(messages)).filter((outcome) => outcome !== undefined);
  if (failed[0] !== undefined) throw failed[0];
}

/** Everything an error says, its causes included. */
export function everythingSaid(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.values(error).map((value) =>
    value instanceof Error ? '' : inspect(value, { depth: 4 }),
  );
  return [error.message, error.stack, ...own, everythingSaid(error.cause ?? '')].join('\n');
}

/** All are first attempts; where handing back counts on the server, at most one further. */
export function assertNoAttemptLost(harness: ContractHarness, handled: readonly Handled[]): void {
  const most = harness.declares['release-counts'] === undefined ? 1 : 2;
  const beyond = handled.filter(({ attempt }) => attempt > most);
  assert.deepEqual(beyond, [], `attempts above ${most}`);
}
