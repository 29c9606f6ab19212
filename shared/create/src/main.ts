import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { apply, type Change } from './change.ts';
import { ask } from './ask.ts';
import { CannotCreate } from './names.ts';
import { newAdapter } from './new-adapter.ts';
import { newEvent } from './new-event.ts';
import { newHandler } from './new-handler.ts';
import { newService } from './new-service.ts';
import { remove } from './remove.ts';
import { rename } from './rename.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** What can be made: what has to be given, what may be, and what makes it. */
interface Generator {
  readonly usage: string;
  readonly about: string;
  /** Asked for on a terminal, where they are missing. */
  readonly asks: readonly [what: string, example: string][];
  /** Whether the last of them may come again. @default false */
  readonly isRepeated?: boolean;
  readonly options: Readonly<Record<string, string>>;
  change(
    root: string,
    given: readonly string[],
    options: Readonly<Record<string, string | undefined>>,
  ): Change;
}

const generators: Readonly<Record<string, Generator>> = {
  service: {
    usage: 'npm run new:service -- <name> [--entity <singular>] [--dry-run]',
    about: 'A service with a domain, use cases, HTTP, a subscription, a contract, tests and a README.',
    asks: [['Name of the service', 'billing']],
    options: {
      entity: 'what it keeps, in the singular (default: the singular of its name, else <name>-entry)',
    },
    change: (root, [name = ''], { entity }) => newService(root, name, { entity }),
  },
  handler: {
    usage: 'npm run new:handler -- <service> <message type> [--name <use-case>] [--dry-run]',
    about: 'A consumer of an event: a subscription of the service, its use case and a test.',
    asks: [
      ['Service that reacts', 'billing'],
      ['Type of the event', 'payments.payment-received.v1'],
    ],
    options: { name: 'the use case, and with it the consumer group (default: keep-<event>)' },
    change: (root, [service = '', type = ''], { name }) => newHandler(root, service, type, { name }),
  },
  event: {
    usage: 'npm run new:event -- <context>.<past-tense>.v<major> [--dry-run]',
    about: 'A contract: an event that services exchange, in the file of its context.',
    asks: [['Type of the event', 'billing.invoice-issued.v1']],
    options: {},
    change: (root, [type = '']) => newEvent(root, type),
  },
  adapter: {
    usage: 'npm run new:adapter -- <name> [--dry-run]',
    about: 'An adapter of a broker, wired to the contract tests, which say what is left to do.',
    asks: [['Name of the broker', 'kafka']],
    options: {},
    change: (root, [name = '']) => newAdapter(root, name),
  },
  rename: {
    usage: 'npm run rename -- @<scope> [--holder <name>] [--dry-run]',
    about:
      'Takes the repository over: the name of the project, its packages and documents, licence and changelog.',
    asks: [['Scope of the packages', '@acme']],
    options: { holder: 'who holds the copyright (default: the name of the scope)' },
    change: (root, [scope = ''], { holder }) => rename(root, scope, { holder }),
  },
  remove: {
    usage: 'npm run remove -- <adapter or service>... [--dry-run]',
    about: 'Takes adapters and services out without a trace, also of the documents.',
    asks: [['Adapter or service', 'payments']],
    isRepeated: true,
    options: {},
    change: (root, names) => remove(root, names),
  },
};

const tell = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

/** @returns the exit status: 0 done, 1 refused or failed, 2 not understood */
export async function main(args: readonly string[], root = ROOT): Promise<number> {
  const [kind = '', ...rest] = args;
  const generator = generators[kind];
  if (generator === undefined) {
    complain(`[waggle] there is nothing to make called "${kind}": ${Object.keys(generators).join(', ')}`);
    return 2;
  }
  const { usage, about, asks, options, isRepeated = false } = generator;
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      allowPositionals: true,
      options: {
        ...Object.fromEntries(Object.keys(options).map((name) => [name, { type: 'string' as const }])),
        'dry-run': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values['help'] === true) {
      const lines = Object.entries(options).map(([name, meaning]) => `  --${name}   ${meaning}`);
      tell(
        [usage, '', about, ...lines, '  --dry-run   say what would be written, and write nothing'].join('\n'),
      );
      return 0;
    }
    const given = positionals.length === 0 && process.stdin.isTTY ? await ask(asks) : positionals;
    if (given === undefined) return 1;
    if (given.length < asks.length || (given.length > asks.length && !isRepeated))
      throw new TypeError(`${given.length} names given, ${asks.length} wanted`);
    const {
      'dry-run': dryRun,
      help: _,
      ...texts
    } = values as Record<string, string> & { 'dry-run'?: boolean };
    const change = generator.change(root, given, texts);
    if (dryRun !== true) apply(root, change);
    say(change, dryRun === true);
    return 0;
  } catch (error) {
    if (error instanceof CannotCreate) {
      complain(`[waggle] ${error.message}`);
      return 1;
    }
    if (!(error instanceof TypeError)) throw error;
    complain(`[waggle] ${error.message}\n${usage}`);
    return 2;
  }
}

function say({ files, removed = [], next }: Change, dryRun: boolean): void {
  const part = (title: string, lines: Iterable<string>): readonly string[] => {
    const indented = Array.from(lines, (line) => `  ${line}`);
    return indented.length === 0 ? [] : [title, ...indented];
  };
  const said = [
    ...part(dryRun ? 'would remove' : 'removed', removed),
    ...part(dryRun ? 'would write' : 'wrote', files.keys()),
    ...part('next', next),
  ];
  tell(said.join('\n'));
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
