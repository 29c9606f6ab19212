import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Log = (line: string) => void;

/** A server that a package of Debian's brings. */
export interface Installable {
  /** As people call it. */
  readonly name: string;
  /** The environment variable that says where one runs. */
  readonly variable: string;
  readonly package: string;
  /** The programs that are needed of it. */
  readonly binaries: readonly string[];
  /** Where else its programs may be, before and after all folders that are usual. @default nowhere */
  readonly folders?: SearchedFolders;
}

export interface SearchedFolders {
  readonly before?: readonly string[];
  readonly after?: readonly string[];
}

// The `sbin` folders are often not on an ordinary user's PATH, and Homebrew's is not on that of a process started by a
// desktop.
const LAST = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin', '/opt/homebrew/bin'];

/** The path of an executable file of this name, or nothing. */
export function findBinary(
  name: string,
  { before = [], after = [] }: SearchedFolders = {},
): string | undefined {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return [...before, ...path, ...LAST, ...after].map((folder) => join(folder, name)).find(isExecutable);
}

/** The paths of a product's executables by name, or nothing if one of them is missing. */
export function findBinaries(product: Installable): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  for (const name of product.binaries) {
    const path = findBinary(name, product.folders);
    if (path === undefined) return undefined;
    found.set(name, path);
  }
  return found;
}

/**
 * The paths of a product's executables by name. Installs the package first if they are missing and this is Debian
 * (or a relative of it) and we are root. Rejects otherwise, saying what to do.
 */
export async function ensureInstalled(product: Installable, log: Log): Promise<ReadonlyMap<string, string>> {
  const found = findBinaries(product);
  if (found !== undefined) return found;
  const isMissing = (name: string): boolean => findBinary(name, product.folders) === undefined;
  const missing = product.binaries.filter(isMissing).join(', ');
  if (findBinary('apt-get') === undefined) throw cannotRun(product, `${missing} not found`);
  if (process.getuid?.() !== 0)
    throw cannotRun(product, `${missing} not found, and only root may install it`);
  await install(product, log);
  const installed = findBinaries(product);
  if (installed === undefined)
    throw cannotRun(product, `${missing} not found, also after installing ${product.package}`);
  return installed;
}

async function install(product: Installable, log: Log): Promise<void> {
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

function cannotRun(product: Installable, reason: string, cause?: unknown): Error {
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
