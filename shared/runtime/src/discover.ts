import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import type { Registry } from '@waggle/contracts';
import { createRegistry } from '@waggle/contracts';
import { ConfigurationError } from './configuration.ts';
import type { Service } from './service.ts';

/** The repository that this runtime is part of. */
export const ROOT = join(import.meta.dirname, '..', '..', '..');

/** What to do where there is no service. */
export const HOW_TO_BEGIN = 'Make one: npm run new:service -- <name>';

/**
 * The folders in `services/`: putting one there is all it takes to be found. There need not be any. What tests and tools leave of
 * one that was deleted has no sources, and is none.
 */
export async function serviceNames(root: string = ROOT): Promise<readonly string[]> {
  const folder = join(root, 'services');
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'src')))
    .map(({ name }) => name)
    .toSorted();
}

/**
 * Loads services by name; all of them when no name is given.
 * @throws ConfigurationError for an unknown name, and for a part of the services on a broker that ends at this process
 */
export async function loadServices(
  wanted: readonly string[],
  broker: string,
  root: string = ROOT,
): Promise<readonly Service[]> {
  const there = await serviceNames(root);
  const known = wanted.filter((name) => there.includes(name));
  const problems = wanted
    .filter((name) => !known.includes(name))
    .map(
      (name) =>
        `SERVICES names "${name}": there is no services/${name}, ${there.length > 0 ? `only ${there.join(', ')}` : `nor any other. ${HOW_TO_BEGIN}`}`,
    );
  const missing = there.filter((name) => !known.includes(name));
  // Where no name is right, the services are not left out but misspelt.
  if (broker === 'memory' && known.length > 0 && missing.length > 0) {
    problems.push(
      `BROKER is "memory", which ends at this process, and SERVICES leaves out ${missing.join(', ')}: run all services, or choose another broker`,
    );
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  const names = new Set(wanted.length > 0 ? wanted : there);
  return Promise.all([...names].map((name) => loadService(root, name)));
}

async function loadService(root: string, name: string): Promise<Service> {
  const file = join(root, 'services', name, 'src', 'service.ts');
  const { service } = (await import(pathToFileURL(file).href)) as { readonly service?: Service };
  if (service?.name === name) return service;
  throw new ConfigurationError([
    `${file} must export \`service\`, made with defineService({ name: '${name}', ... })`,
  ]);
}

/**
 * Every contract of `shared/contracts/src`, where putting a file is all it takes, and what these services declare besides.
 * @throws MessagingError `invalid` for a type declared twice
 */
export async function loadContracts(services: readonly Service[], root: string = ROOT): Promise<Registry> {
  const folder = join(root, 'shared', 'contracts', 'src');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts')).toSorted();
  const modules = await Promise.all(
    files.map((name) => import(pathToFileURL(join(folder, name)).href) as Promise<Record<string, unknown>>),
  );
  return createRegistry(
    ...modules,
    ...services.map(({ publishes, sends }) => Object.fromEntries([...publishes, ...sends].entries())),
  );
}
