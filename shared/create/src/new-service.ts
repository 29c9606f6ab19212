import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from './change.ts';
import { checkFree } from './change.ts';
import { CannotCreate, checkNewName, pluralOf, singularOf } from './names.ts';
import { checkContext, contractFile, declaredIn, withEvent } from './new-event.ts';
import { checkNotUsed, copyTemplate, readTemplate } from './template.ts';

/** Paths that the host serves itself. */
const SERVED = new Set(['livez', 'readyz', 'health', 'metrics', 'openapi', 'dead-letters']);

export interface NewServiceOptions {
  /** What the service keeps, in the singular. @default the singular of its name, else `<name>-entry` */
  readonly entity?: string | undefined;
}

/** A whole service around one entity, copied from the living one. @throws CannotCreate */
export function newService(
  root: string,
  name: string,
  { entity = entityOf(name) }: NewServiceOptions = {},
): Change {
  checkNewName('a service', name);
  checkNewName('what a service keeps', entity);
  checkContext(name);
  const folder = `services/${name}`;
  checkFree(root, folder, 'that service');
  const template = readTemplate(root, 'service');
  checkNotUsed(template, 'what a service keeps', entity);
  checkPath(root, name);
  const event = `${entity}-opened`;
  const type = `${name}.${event}.v1`;
  const contract = contractFile(name);
  const declared = existsSync(join(root, contract))
    ? declaredIn(readFileSync(join(root, contract), 'utf8'))
    : [];
  const files = copyTemplate(template, folder, [
    ['honey-house', name],
    ['honey-jars', pluralOf(entity)],
    ['honey-jar', entity],
  ]);
  return {
    files: declared.some((each) => each.type === type)
      ? files
      : new Map([...files, [contract, withEvent(root, { type, context: name, event, major: 1 })]]),
    links: true,
    next: [
      `npm test --workspace ${folder}`,
      'npm run dev',
      `curl localhost:3000/${name} -H 'content-type: application/json' -d '{"title":"the first one"}'`,
      `npm run new:handler -- ${name} <a message type>   to react to another service`,
      `deleting ${folder} and ${contract} undoes it`,
    ],
  };
}

export function entityOf(name: string): string {
  return singularOf(name) ?? `${name}-entry`;
}

/** @throws CannotCreate for a path that somebody else answers */
function checkPath(root: string, name: string): void {
  if (SERVED.has(name))
    throw new CannotCreate(
      `"${name}" cannot name a service: the host itself answers /${name}; choose another`,
    );
  const routes = globSync('services/*/src/adapters/*.ts', { cwd: root });
  const taken = routes.find((file) =>
    new RegExp(`path: '/${name}['/]`).test(readFileSync(join(root, file), 'utf8')),
  );
  if (taken !== undefined)
    throw new CannotCreate(
      `"${name}" cannot name a service: ${taken} already answers /${name}; choose another`,
    );
}
