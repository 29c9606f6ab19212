import { median } from './contest.ts';
import type { RecoveryTimes } from './recovery-times.ts';

export const LEASE_MS = 5_000;
/** Promised after a restart; and what a lease may be late. */
const RESTART_MS = 5_000;
const TOLERANCE_MS = 1_000;

/** Whether every round kept what is promised. */
export function isSoon({ restarts, kills }: RecoveryTimes): boolean {
  return Math.max(...restarts) < RESTART_MS && Math.max(...kills) < LEASE_MS + TOLERANCE_MS;
}

/** As Markdown. */
export function rowsOf(measured: readonly RecoveryTimes[]): readonly string[] {
  const cell = (times: readonly number[]): string =>
    `${Math.round(median(times))} ms (${Math.round(Math.max(...times))} ms)`;
  return [
    '| broker | handled again after a restart: median (worst), below 5 s | lanes of a killed member handled by another: median (worst); the lease is 5 s |',
    '| --- | --- | --- |',
    ...measured.map(({ server, restarts, kills }) => `| ${server} | ${cell(restarts)} | ${cell(kills)} |`),
  ];
}
