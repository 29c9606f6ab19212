/** What is wrong with what was asked for, what was got, and what to do. */
export class CannotCreate extends Error {
  override readonly name = 'CannotCreate';
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const MAX_LENGTH = 40;
/** Windows cannot have folders of these names. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)$/;
const RESERVED = new Set([
  ...['await', 'break', 'case', 'catch', 'class', 'const', 'continue', 'debugger', 'default', 'delete', 'do'],
  ...[
    'else',
    'enum',
    'export',
    'extends',
    'false',
    'finally',
    'for',
    'function',
    'if',
    'implements',
    'import',
  ],
  ...[
    'in',
    'instanceof',
    'interface',
    'let',
    'new',
    'null',
    'package',
    'private',
    'protected',
    'public',
    'return',
  ],
  ...[
    'static',
    'super',
    'switch',
    'this',
    'throw',
    'true',
    'try',
    'type',
    'typeof',
    'var',
    'void',
    'while',
    'with',
  ],
  ...[
    'yield',
    'async',
    'of',
    'any',
    'never',
    'unknown',
    'undefined',
    'constructor',
    'prototype',
    'arguments',
    'eval',
  ],
]);

/** @throws CannotCreate for what cannot name a folder, a package, a message type and a variable at once */
export function checkNewName(what: string, name: string): void {
  const shown = JSON.stringify(name.length > MAX_LENGTH ? `${name.slice(0, MAX_LENGTH)}...` : name);
  const refuse = (why: string): never => {
    throw new CannotCreate(`${shown} cannot name ${what}: ${why}`);
  };
  if (name === '') refuse('it is empty; give a name such as billing');
  if (name.length > MAX_LENGTH) refuse(`it has ${name.length} characters; use at most ${MAX_LENGTH}`);
  if (!NAME.test(name))
    refuse(
      'use lower-case letters and digits in words joined by single dashes, such as billing or parcel-tracking',
    );
  if (DEVICES.test(name)) refuse('Windows keeps it for a device; choose another');
  if (RESERVED.has(name) || camelCase(name) in globalThis || pascalCase(name) in globalThis)
    refuse('the language has that word for itself; choose another');
}

const wordsOf = (name: string): readonly string[] => name.split('-');
const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

export const pascalCase = (name: string): string => wordsOf(name).map(capital).join('');

export function camelCase(name: string): string {
  const [first = '', ...rest] = wordsOf(name);
  return first + rest.map(capital).join('');
}

/** Of an English noun, by the rules alone: exceptions are given by hand. */
export function pluralOf(name: string): string {
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}

/** Of a plural; undefined where a name does not look like one. */
export function singularOf(name: string): string | undefined {
  if (/[^aeiou]ies$/.test(name)) return `${name.slice(0, -3)}y`;
  if (/(sses|shes|ches|xes|zzes)$/.test(name)) return name.slice(0, -2);
  return /[^su]s$/.test(name) ? name.slice(0, -1) : undefined;
}
