const STATEMENT = /^[ \t]*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]/gm;
const CALL = /\bimport\(\s*['"]([^'"]+)['"]/g;
const COMPUTED_CALL = /\bimport\(\s*[^\s'")]/;

/** What a source file names: in import and export statements, and in `import()` of a literal. */
export function importsOf(source: string): readonly string[] {
  const found = [...source.matchAll(STATEMENT), ...source.matchAll(CALL)];
  return found.map(([, specifier = '']) => specifier);
}

/** Whether it imports something whose name no tool can read. */
export function importsComputedName(source: string): boolean {
  return source.split('\n').some((line) => !/^\s*(\/\/|\/?\*)/.test(line) && COMPUTED_CALL.test(line));
}

/** `@scope/name` or `name` of a specifier that is neither a path nor a module of Node. */
export function packageOf(specifier: string): string | undefined {
  if (/^(\.|\/|node:)/.test(specifier)) return undefined;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
