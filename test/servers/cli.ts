import { rmSync } from 'node:fs';
import { isRunning } from './process-table.ts';
import { terminate } from './process.ts';
import { specify, start } from './server-spec.ts';
import { productOf, serverKinds } from './products.ts';
import { forget, recall, remember, type Remembered } from './state.ts';

const note = (line: string): void => console.error(line);

/** Starts what does not run yet and prints where everything is, as lines for the environment. Exit status 1 on failure. */
async function up(kinds: readonly string[]): Promise<number> {
  const outcomes = await Promise.allSettled(kinds.map(bringUp));
  let status = 0;
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') {
      const { kind, url } = outcome.value;
      console.log(`${(await productOf(kind)).variable}=${url}`);
    } else {
      status = 1;
      note(outcome.reason instanceof Error ? outcome.reason.message : String(outcome.reason));
    }
  }
  return status;
}

async function bringUp(kind: string): Promise<Remembered> {
  const known = recall(kind);
  if (known !== undefined && isRunning(known)) return known;
  // It ended without us: a reboot, or somebody's kill. `up` promises a server, not its former data.
  if (known !== undefined) await bringDown(known);
  const spec = await specify(kind, { log: note });
  const { folder } = spec.launch;
  note(`starting ${kind} in ${folder}`);
  try {
    let server: Remembered | undefined;
    await start(spec, 'detached', (process) => {
      // Before it is ready, so that `down` finds it even if this command is interrupted.
      server = { kind, ...process, url: spec.url };
      remember(server);
    });
    if (server === undefined)
      throw new Error(`[waggle] [servers] ${kind} did not start: read ${spec.launch.logFile}`);
    return server;
  } catch (error) {
    forget(kind);
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function down(kinds: readonly string[]): Promise<number> {
  for (const kind of kinds) {
    const known = recall(kind);
    if (known === undefined) note(`${kind}: not up`);
    else {
      await bringDown(known);
      note(`${kind}: stopped, ${known.folder} removed`);
    }
  }
  return 0;
}

async function bringDown(server: Remembered): Promise<void> {
  await terminate(server, 'stop');
  rmSync(server.folder, { recursive: true, force: true, maxRetries: 3 });
  forget(server.kind);
}

/** Exit status 0 if all of them run, 1 if not. */
async function status(kinds: readonly string[]): Promise<number> {
  let allUp = true;
  for (const kind of kinds) {
    const known = recall(kind);
    const running = known !== undefined && isRunning(known);
    allUp &&= running;
    console.log(
      running ? `${kind}: up, ${known.url}, process ${known.pid}, ${known.folder}` : `${kind}: not up`,
    );
  }
  return allUp ? 0 : 1;
}

const COMMANDS: Readonly<Record<string, (kinds: readonly string[]) => Promise<number>>> = {
  up,
  down,
  status,
};

async function main([word = '', kind, ...rest]: readonly string[]): Promise<number> {
  const all = await serverKinds();
  const refuse = (reason: string): number => {
    note(`[waggle] [servers] ${reason}: say npm run brokers -- up|down|status [${all.join('|')}]`);
    return 2;
  };
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (command === undefined) return refuse(word === '' ? 'no word given' : `unknown word '${word}'`);
  const kinds = all.filter((known) => kind === undefined || known === kind);
  if (kinds.length === 0 && kind !== undefined) return refuse(`unknown server '${kind}'`);
  if (rest.length > 0) return refuse(`too many words: '${rest.join(' ')}'`);
  return command(kinds);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  note(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
