import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Resident, World } from './world.ts';

const VICTIM = fileURLToPath(new URL('victim.ts', import.meta.url));
const MOST_WORDS = 20;

/** Hosts as processes of their own, on the servers that the environment names. @param sweep removes what they left there */
export function processWorld(
  environment: Readonly<Record<string, string>>,
  sweep: () => Promise<void>,
): World {
  const ends: (() => Promise<void>)[] = [];

  async function start(killAt = ''): Promise<Resident> {
    const { PATH = '', TMPDIR = '/tmp' } = process.env;
    const child = spawn(process.execPath, [VICTIM], {
      env: { PATH, TMPDIR, ...environment, WAGGLE_KILL_AT: killAt },
      // It ends when its standard input does: with us, however we end.
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const died = once(child, 'exit').then(([status, signal]) => String(signal ?? `status ${status}`));
    ends.push(async () => {
      child.kill('SIGKILL');
      await died;
    });
    const words: string[] = [];
    const { promise: started, resolve } = Promise.withResolvers<string>();
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (words.push(line) > MOST_WORDS) words.shift();
      if (line.includes('"msg":"started"')) resolve((JSON.parse(line) as { readonly url: string }).url);
    });
    const url = await Promise.race([started, died.then(() => undefined)]);
    // Its relay and its consumers run before it takes requests: who is to be killed may be so by then.
    if (url === undefined && (killAt === '' || (await died) !== 'SIGKILL'))
      throw new Error(`a host did not start: ${await died}\n${words.join('\n')}`);
    return {
      async request(path, init) {
        if (url === undefined) throw new Error('it was killed before it took requests');
        return fetch(`${url}${path}`, init);
      },
      died,
      lastWords: () => words.join('\n'),
    };
  }

  return {
    start,
    async close() {
      await Promise.all(ends.map((end) => end()));
      await sweep();
    },
  };
}
