import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from './install.ts';
import { notPrivate, type RunningServer } from './running-server.ts';
import type { ServerProduct } from './server-spec.ts';
import { answers } from './tcp.ts';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '../..');

/** The file for all, and on top of it what the adapter brings, if it does. */
export function composeFiles(kind: string, root: string = ROOT): readonly string[] {
  const own = join(root, 'adapters', kind, 'compose.yaml');
  return [join(root, 'docker-compose.yml'), ...(existsSync(own) ? [own] : [])];
}

/**
 * The server of this adapter under Compose, as the profile and service of its name, brought up and healthy; or nothing where
 * it has none there, no Docker engine answers within two seconds, or compose fails (its reason goes to the log: an
 * installed binary may still do).
 */
export async function composeServer(
  kind: string,
  { container }: ServerProduct,
  log: Log,
): Promise<RunningServer | undefined> {
  if (container === undefined || !(await engineAnswers())) return undefined;
  try {
    const wasRunning = (await compose(kind, 'ps', '--status', 'running', '--quiet', kind)).trim() !== '';
    log(`docker compose up ${kind}`);
    await compose(kind, 'up', '--detach', '--wait', kind);
    const address = (await compose(kind, 'port', kind, `${container.port}`)).trim();
    const [host = '127.0.0.1', port = ''] = address.split(':');
    if (!(await answers(host, Number(port)))) throw new Error(`nothing answers at ${address}`);
    return {
      kind,
      url: container.url(address),
      origin: 'compose',
      ...notPrivate(kind, 'docker compose'),
      stop: async () => {
        if (!wasRunning) await compose(kind, 'rm', '--force', '--stop', kind);
      },
    };
  } catch (error) {
    log(`docker compose could not bring up ${kind}, trying an installed binary: ${String(error)}`);
    return undefined;
  }
}

/** Whether a Docker engine answers: the client alone can do nothing, and says so only when asked. */
export async function engineAnswers(): Promise<boolean> {
  try {
    await run('docker', ['info', '--format', '{{.ServerVersion}}'], {
      timeout: 2_000,
      killSignal: 'SIGKILL',
    });
    return true;
  } catch {
    return false;
  }
}

async function compose(profile: string, ...args: readonly string[]): Promise<string> {
  const options = composeFiles(profile).flatMap((file) => ['--file', file]);
  return (await run('docker', ['compose', ...options, '--profile', profile, ...args])).stdout;
}
