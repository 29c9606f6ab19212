import { cpus, loadavg } from 'node:os';

/** What figures were measured on. */
export function machine(): string {
  const [cpu] = cpus();
  return `Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}; load when it ended ${loadavg()[0]?.toFixed(1)}`;
}
