import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from './change.ts';
import { checkFree } from './change.ts';
import { camelCase, CannotCreate, checkNewName } from './names.ts';
import { contractFile, declaredIn, parseEventType } from './new-event.ts';
import { adopt, checkNotUsed, copyTemplate, readTemplate } from './template.ts';
import type { Renaming } from './words.ts';

export interface NewHandlerOptions {
  /** The use case, and with it the consumer group `<service>.<name>`. @default `keep-<event>` */
  readonly name?: string | undefined;
}

/** Files of the template that are the handler; the others are around it. */
const COPIED = /^(src\/(application|adapters)|test)\//;

/** A consumer of an event: a subscription, its use case and their test, and the lines that wire them. @throws CannotCreate */
export function newHandler(
  root: string,
  service: string,
  type: string,
  options: NewHandlerOptions = {},
): Change {
  const folder = checkService(root, service);
  const { context, event } = parseEventType(type);
  const contract = checkEvent(root, context, type);
  const { name = `keep-${event}` } = options;
  checkNewName('a use case', name);
  const template = readTemplate(root, 'handler');
  checkNotUsed(template, 'a use case', name);
  const renamings: readonly Renaming[] = [
    ['keep-honey-jar-opened', name],
    ['honey-jar-opened', event],
    ['honey-house', service],
  ];
  /** The context is that of the event, and a second version is called so. */
  const ofContract = (text: string): string =>
    text
      .replaceAll('/contracts/templates/honey-house', `/contracts/${context}`)
      .replaceAll(/\bhoneyJarOpened\b/g, contract === camelCase(event) ? '$&' : contract);
  const copied = [...template].filter(([file]) => COPIED.test(file));
  const files = copyTemplate(
    new Map(copied.map(([file, text]) => [file, ofContract(text)])),
    folder,
    renamings,
  );
  for (const file of files.keys()) checkFree(root, file, 'what is there');
  const wired = wire(root, folder, template.get('src/service.ts') ?? '', renamings);
  const readme = join(folder, 'README.md');
  const row = `| reacts to | \`${type}\` | group \`${service}.${name}\` |`;
  return {
    files: new Map([...files, [join(folder, 'src/service.ts'), wired], ...withRow(root, readme, row)]),
    links: false,
    next: [
      `say in ${folder}/src/application/${name}.ts what follows from the event`,
      `npm test --workspace ${folder}`,
    ],
  };
}

function checkService(root: string, service: string): string {
  const all = globSync('services/*/src/service.ts', { cwd: root }).map((file) => file.split('/')[1] ?? '');
  if (!all.includes(service))
    throw new CannotCreate(
      `there is no service ${JSON.stringify(service.slice(0, 80))}, only ${all.join(', ') || 'none'}: check the spelling, or make it with npm run new:service`,
    );
  return `services/${service}`;
}

/** @returns what the contract is called in code */
function checkEvent(root: string, context: string, type: string): string {
  const file = join(root, contractFile(context));
  const declared = existsSync(file) ? declaredIn(readFileSync(file, 'utf8')) : [];
  const found = declared.find((each) => each.type === type);
  if (found === undefined)
    throw new CannotCreate(
      `${type} is not declared in ${contractFile(context)}${declared.length > 0 ? `, which has ${declared.map((each) => each.type).join(', ')}` : ''}: check the spelling, or declare it with npm run new:event -- ${type}`,
    );
  if (found.kind === 'command')
    throw new CannotCreate(
      `${type} is a command, which one service handles: its own. React to the event that follows from it, or write onCommand by hand`,
    );
  return found.name;
}

/** The lines of the template's composition root that name the handler, put where they belong in that of the service. */
function wire(root: string, folder: string, template: string, renamings: readonly Renaming[]): string {
  const file = join(folder, 'src/service.ts');
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  const named = template.split('\n').filter((line) => line.includes('onHoneyJarOpened'));
  const [importing = '', binding = ''] = named.map((line) => adopt(line.trim(), renamings));
  const importOf = (what: RegExp): number => lines.findLastIndex((line) => what.test(line));
  const besides = importOf(/^(import|\} from) .*'\.\/adapters\//);
  const lastImport = besides < 0 ? importOf(/^(import|\} from) /) : besides;
  const lastBind = lines.findLastIndex((line) => /^\s*bind\(/.test(line));
  const end = lines.findIndex((line, index) => index >= lastBind && line.endsWith(';'));
  if (
    lastImport < 0 ||
    lastBind < 0 ||
    end < 0 ||
    !lines.some((line) => /\boffered\b.*@waggle\/runtime/.test(line))
  )
    throw new CannotCreate(
      `${file} binds nothing that the new line could go after: write "${binding}" and "${importing}" into it by hand, as in shared/create/templates/service/src/service.ts, and run this again`,
    );
  const indent = /^\s*/.exec(lines[lastBind] ?? '')?.[0] ?? '';
  return lines
    .toSpliced(end + 1, 0, indent + binding)
    .toSpliced(lastImport + 1, 0, importing)
    .join('\n');
}

/** The README with one row more in its table of messages, where it has one. */
function withRow(root: string, readme: string, row: string): readonly (readonly [string, string])[] {
  if (!existsSync(join(root, readme))) return [];
  const lines = readFileSync(join(root, readme), 'utf8').split('\n');
  const header = lines.findIndex((line) => line.startsWith('| messages |'));
  if (header < 0) return [];
  const end = lines.findIndex((line, index) => index > header && !line.startsWith('|'));
  return [[readme, lines.toSpliced(end < 0 ? lines.length : end, 0, row).join('\n')]];
}
