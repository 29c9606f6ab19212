import type { Change } from './change.ts';
import { checkFree } from './change.ts';
import { checkNewName } from './names.ts';
import { checkNotUsed, copyTemplate, readTemplate } from './template.ts';

/** Tests the template itself, which fails its contract tests on purpose. */
const LEFT_OUT = 'test/template.test.ts';
/** The contract tests, under a name that the template does not run. */
const [SUITE, TEST] = ['test/contract.suite.ts', 'test/contract.test.ts'];

/** A broker adapter that compiles, and whose contract tests say what is left to do; copied from the living one. @throws CannotCreate */
export function newAdapter(root: string, name: string): Change {
  checkNewName('an adapter', name);
  const folder = `adapters/${name}`;
  checkFree(root, folder, 'that adapter');
  const template = readTemplate(root, 'adapter');
  checkNotUsed(template, 'an adapter', name);
  const copied = [...template].filter(([file]) => file !== LEFT_OUT);
  const renamed = new Map(copied.map(([file, text]) => [file === SUITE ? TEST : file, text]));
  return {
    files: copyTemplate(renamed, folder, [['paper-plane', name]]),
    links: true,
    next: [
      `npm install --workspace ${folder} <the client library>`,
      `npm test --workspace ${folder}   says what is still to do, clause by clause`,
      'docs/writing-an-adapter.md goes on from here',
      `BROKER=${name} npm start   once it connects`,
      `deleting ${folder} undoes it`,
    ],
  };
}
