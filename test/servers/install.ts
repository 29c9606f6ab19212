import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { ServerKind } from './running-server.ts';

const run = promisify(execFile);

export type Log = (line: string) => void;

interface Product {
  readonly name: string;
  readonly variable: string;
  readonly package: string;
  readonly binaries: readonly string[];
}

export const PRODUCTS: Readonly<Record<ServerKind, Product>> = {
  nats: { name: 'NATS', variable: 'NATS_URL', package: 'nats-server', binaries: ['nats-server'] },
  rabbitmq: {
    name: 'RabbitMQ',
    variable: 'RABBITMQ_URL',
    package: 'rabbitmq-server',
    binaries: ['rabbitmq-server', 'rabbitmqctl', 'epmd', 'erl'],
  },
  postgres: {
    name: 'PostgreSQL',
    variable: 'DATABASE_URL',
    package: 'postgresql',
    binaries: ['postgres', 'initdb'],
  },
};

// Before PATH: Debian's /usr/sbin/rabbitmq-server is a wrapper that changes the user, and each major version of PostgreSQL
// has a folder of its own, from which all programs must come. The `sbin` folders are often not on an ordinary user's PATH,
// and Homebrew's is not on that of a process started by a desktop.
const FIRST = ['/usr/lib/rabbitmq/bin'];
const LAST = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin', '/opt/homebrew/bin'];

/** The path of an executable file of this name, or nothing. */
export function findBinary(name: string): string | undefined {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const first = [...FIRST, ...versions('/usr/lib/postgresql')];
  const kegs = ['/opt/homebrew/opt', '/usr/local/opt'].flatMap((parent) => versions(parent, 'postgresql@'));
  return [...first, ...path, ...LAST, ...kegs].map((folder) => join(folder, name)).find(isExecutable);
}

/** The `bin` folders of the versions in this folder that are called `prefix` and a number, the newest first. */
function versions(parent: string, prefix = ''): readonly string[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .flatMap((entry) => (entry.startsWith(prefix) ? Number(entry.slice(prefix.length)) : []))
    .filter(Number.isInteger)
    .toSorted((a, b) => b - a)
    .map((major) => join(parent, `${prefix}${major}`, 'bin'));
}

/** The paths of a product's executables by name, or nothing if one of them is missing. */
export function findBinaries(kind: ServerKind): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  for (const name of PRODUCTS[kind].binaries) {
    const path = findBinary(name);
    if (path === undefined) return undefined;
    found.set(name, path);
  }
  return found;
}

/**
 * The paths of a product's executables by name. Installs the package first if they are missing and this is Debian
 * (or a relative of it) and we are root. Rejects otherwise, saying what to do.
 */
export async function ensureInstalled(kind: ServerKind, log: Log): Promise<ReadonlyMap<string, string>> {
  const found = findBinaries(kind);
  if (found !== undefined) return found;
  const product = PRODUCTS[kind];
  const missing = product.binaries.filter((name) => findBinary(name) === undefined).join(', ');
  if (findBinary('apt-get') === undefined) throw cannotRun(product, `${missing} not found`);
  if (process.getuid?.() !== 0)
    throw cannotRun(product, `${missing} not found, and only root may install it`);
  await install(product, log);
  const installed = findBinaries(kind);
  if (installed === undefined)
    throw cannotRun(product, `${missing} not found, also after installing ${product.package}`);
  return installed;
}

async function install(product: Product, log: Log): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const allowStart = forbidServiceStart();
  try {
    log(`installing ${product.package} with apt-get`);
    // Old package lists may do: the install decides.
    await run('apt-get', ['update'], { env }).catch((error: unknown) =>
      log(`apt-get update failed: ${String(error)}`),
    );
    const options = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'];
    await run('apt-get', ['install', ...options, product.package], { env });
  } catch (error) {
    throw cannotRun(product, `apt-get could not install ${product.package}`, error);
  } finally {
    allowStart();
  }
}

/** Debian starts a service as soon as it is installed, unless this file says no. We want the program, not the service. */
function forbidServiceStart(): () => void {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return () => {};
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return () => rmSync(policy, { force: true });
}

function cannotRun(product: Product, reason: string, cause?: unknown): Error {
  return new Error(
    `[waggle] [servers] no ${product.name} to test against: ${reason}: install ${product.package} or set ${product.variable}`,
    cause === undefined ? {} : { cause },
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
