import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from './install.ts';
import { notPrivate, type RunningServer, type ServerKind } from './running-server.ts';
import { answers } from './tcp.ts';

const run = promisify(execFile);

const FILE = join(import.meta.dirname, '../../docker-compose.yml');

// The ports inside the containers, and the URLs; docker-compose.yml says where the ports are on this machine.
const SERVICES: Readonly<Record<ServerKind, { port: number; url: (address: string) => string }>> = {
  nats: { port: 4222, url: (address) => `nats://${address}` },
  rabbitmq: { port: 5672, url: (address) => `amqp://guest:guest@${address}` },
  postgres: { port: 5432, url: (address) => `postgres://waggle:waggle@${address}/waggle` },
};

/**
 * The server of this kind from docker-compose.yml, brought up and healthy, or nothing where no Docker engine answers
 * within two seconds or compose fails (its reason goes to the log: an installed binary may still do).
 */
export async function composeServer(kind: ServerKind, log: Log): Promise<RunningServer | undefined> {
  if (!(await engineAnswers())) return undefined;
  try {
    const wasRunning = (await compose(kind, 'ps', '--status', 'running', '--quiet', kind)).trim() !== '';
    log(`docker compose up ${kind}`);
    await compose(kind, 'up', '--detach', '--wait', kind);
    const address = (await compose(kind, 'port', kind, `${SERVICES[kind].port}`)).trim();
    const [host = '127.0.0.1', port = ''] = address.split(':');
    if (!(await answers(host, Number(port)))) throw new Error(`nothing answers at ${address}`);
    return {
      kind,
      url: SERVICES[kind].url(address),
      origin: 'compose',
      ...notPrivate(kind, 'docker-compose.yml'),
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

async function compose(profile: ServerKind, ...args: readonly string[]): Promise<string> {
  return (await run('docker', ['compose', '--file', FILE, '--profile', profile, ...args])).stdout;
}
