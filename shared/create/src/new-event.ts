import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from './change.ts';
import { CannotCreate, camelCase, checkNewName } from './names.ts';
import { adopt, checkNotUsed } from './template.ts';

const CONTRACTS = 'shared/contracts/src';
const TEMPLATE = `${CONTRACTS}/templates/honey-house.ts`;
const TYPE = /^([^.]*)\.([^.]*)\.v([1-9]\d{0,3})$/;
/** Files of the folder that are no contexts. */
const MACHINERY = new Set(['contract', 'index', 'money', 'registry', 'templates', 'testing']);

export interface EventType {
  readonly type: string;
  readonly context: string;
  readonly event: string;
  readonly major: number;
}

/** @throws CannotCreate */
export function parseEventType(type: string): EventType {
  const [, context = '', event = '', major = ''] = TYPE.exec(type) ?? [];
  if (major === '')
    throw new CannotCreate(
      `${JSON.stringify(type.slice(0, 80))} is no message type: write <context>.<past-tense>.v<major>, such as billing.invoice-issued.v1`,
    );
  checkContext(context);
  checkNewName('an event', event);
  return { type, context, event, major: Number(major) };
}

/** @throws CannotCreate */
export function checkContext(context: string): void {
  checkNewName('a context', context);
  if (MACHINERY.has(context))
    throw new CannotCreate(
      `"${context}" cannot name a context: ${CONTRACTS}/${context} is something else; choose another`,
    );
}

export const contractFile = (context: string): string => `${CONTRACTS}/${context}.ts`;

/** What a file of contracts declares: types, and what they are called in code. */
export function declaredIn(text: string): readonly { name: string; kind: string; type: string }[] {
  const declarations = text.matchAll(/^export const (\w+) = define(Event|Command)\(\s*'([^']+)'/gm);
  return [...declarations].map(([, name = '', kind = '', type = '']) => ({
    name,
    kind: kind.toLowerCase(),
    type,
  }));
}

/** @throws CannotCreate for a bad type, and for one that is declared already */
export function newEvent(root: string, type: string): Change {
  const parsed = parseEventType(type);
  const file = contractFile(parsed.context);
  return {
    files: new Map([[file, withEvent(root, parsed)]]),
    links: false,
    next: [
      `say in ${file} what the event carries, and give it a key if its order matters`,
      `list it in \`publishes\` of the service that announces it, and call tx.publish(${nameOf(parsed)}({ ... }))`,
      `npm run new:handler -- <service> ${type}   to react to it`,
    ],
  };
}

/** The file of its context with one declaration more, copied from the living one. @throws CannotCreate if it is declared already */
export function withEvent(root: string, parsed: EventType): string {
  const { context, event, type } = parsed;
  const path = join(root, contractFile(context));
  const there = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  const words = event.split('-');
  const verb = words.at(-1) ?? event;
  const subject = words.length > 1 ? words.slice(0, -1).join('-') : context;
  const living = readFileSync(join(root, TEMPLATE), 'utf8');
  checkNotUsed(new Map([[TEMPLATE, living]]), 'an event', event);
  const template = living.replaceAll('was opened', `was ${verb}`);
  const whole = adopt(template, [
    ['honey-house', context],
    ['honey-jar-opened', event],
    ['honey-jar', subject],
  ])
    .replace("'../contract.ts'", "'./contract.ts'")
    .replace(`${context}.${event}.v1`, type)
    .replace(`export const ${camelCase(event)} =`, `export const ${nameOf(parsed)} =`);
  if (there === undefined) return whole;
  for (const { type: other, name } of declaredIn(there)) {
    if (other === type || name === nameOf(parsed))
      throw new CannotCreate(
        `${contractFile(context)} already declares ${name}, ${other}: choose another name, or its next version`,
      );
  }
  const declaration = whole.slice(whole.indexOf('export const'));
  return `${withImports(there)}\n${declaration}`;
}

/** What a contract is called in code: the second version says so. */
function nameOf({ event, major }: EventType): string {
  return camelCase(event) + (major === 1 ? '' : `V${major}`);
}

function withImports(text: string): string {
  const needed: readonly [name: string, line: string][] = [
    ['defineEvent', "import { defineEvent } from './contract.ts';\n"],
    ['z', "import { z } from 'zod';\n"],
  ];
  return needed
    .filter(([name]) => !new RegExp(`^import \\{[^}]*\\b${name}\\b[^}]*\\}`, 'm').test(text))
    .reduce((found, [, line]) => line + found, text);
}
