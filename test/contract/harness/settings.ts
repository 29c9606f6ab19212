import { silentLogger } from '@waggle/kernel';
import type { DriverSettings } from '@waggle/messaging';
import type { SettingsOverrides } from '../suite/index.ts';

/** Settings for tests: what a test does not ask for. */
export function contractSettings(overrides: SettingsOverrides): DriverSettings {
  return {
    lanes: 4,
    // Some brokers reserve what a log may grow to, and every test has a namespace of its own.
    retention: { maxAgeMs: 3_600_000, maxBytes: 16 * 1_048_576 },
    maxMessageBytes: 1_048_576,
    requestTimeoutMs: 10_000,
    leaseMs: 10_000,
    logger: silentLogger,
    ...overrides,
  };
}
