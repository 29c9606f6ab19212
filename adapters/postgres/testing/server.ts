import { execFile } from 'node:child_process';
import { chownSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServerProduct, ServerSpec, SpecInput } from '@waggle/test/servers';
import { freePort } from '@waggle/test/servers/tcp';

const run = promisify(execFile);

// All of it is the launch: what is interrupted before the server runs ends, and is removed, as the server would. The data
// has its name once it is complete. Only what is made here goes without fsync; the server syncs as it does by default.
const INITIALISE_AND_RUN = `
set -e
initdb=$1 postgres=$2
[ -r "$PWD/password" ] || { echo "user $(id -un) cannot enter $PWD: set TMPDIR to a folder that everybody may enter"; exit 1; }
if [ ! -d data ]; then
  rm -rf unfinished
  "$initdb" --pgdata=unfinished --username=waggle --pwfile=password --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C --no-sync
  cat added.conf >> unfinished/postgresql.conf
  echo 'CREATE DATABASE waggle' | "$postgres" --single -D unfinished -c fsync=off -c exit_on_error=on template1
  mv unfinished data
fi
exec "$postgres" -D "$PWD/data"`;

export const server: ServerProduct = {
  name: 'PostgreSQL',
  variable: 'DATABASE_URL',
  package: 'postgresql',
  binaries: ['postgres', 'initdb'],
  // Each major version has a folder of its own, from which all programs must come.
  folders: {
    before: versions('/usr/lib/postgresql'),
    after: ['/opt/homebrew/opt', '/usr/local/opt'].flatMap((parent) => versions(parent, 'postgresql@')),
  },
  ports: { postgres: 5432, postgresql: 5432 },
  container: { port: 5432, url: (address) => `postgres://waggle:waggle@${address}/waggle` },
  specify,
};

/** The `bin` folders of the versions in this folder that are called `prefix` and a number, the newest first. */
function versions(parent: string, prefix = ''): readonly string[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .flatMap((entry) => (entry.startsWith(prefix) ? Number(entry.slice(prefix.length)) : []))
    .filter(Number.isInteger)
    .toSorted((a, b) => b - a)
    .map((major) => join(parent, `${prefix}${major}`, 'bin'));
}

/** A PostgreSQL server on 127.0.0.1, without Unix sockets, with a database `waggle`. */
async function specify({ folder, binaries, config }: SpecInput): Promise<ServerSpec> {
  const port = await freePort();
  const binary = (name: string): string => binaries.get(name) ?? name;
  const user = await otherUser();
  writeFileSync(join(folder, 'password'), 'waggle\n');
  writeFileSync(
    join(folder, 'added.conf'),
    `listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = ''
${config}
`,
  );
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  return {
    url: `postgres://waggle:waggle@127.0.0.1:${port}/waggle`,
    port,
    // Asked for a password (R) once it takes clients. Before that it listens already, and answers with an error (E).
    hello: { say: startupMessage('waggle'), expect: 'R' },
    launch: {
      command: 'sh',
      args: ['-c', INITIALISE_AND_RUN, 'sh', binary('initdb'), binary('postgres')],
      // Only this: the machine's own PG variables must not reach our server. Messages in English, times in UTC.
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
      folder,
      logFile: join(folder, 'server.log'),
      // By SIGTERM it would wait until its clients have gone. By SIGKILL it leaves shared memory behind, which only a
      // restart on the same data removes.
      signals: { stop: 'SIGINT', discard: 'SIGQUIT' },
      ...(user && { user }),
    },
  };
}

/** PostgreSQL refuses to run as root: then as the user that Debian's package makes, or as nobody. */
async function otherUser(): Promise<ServerSpec['launch']['user']> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (option: '-u' | '-g', name: string): Promise<number> =>
    Number((await run('id', [option, name])).stdout);
  const name = await id('-u', 'postgres').then(
    () => 'postgres',
    () => 'nobody',
  );
  return { uid: await id('-u', name), gid: await id('-g', name) };
}

/** StartupMessage of protocol 3.0: its length, the version, names and values, each of them ended by a zero byte. */
function startupMessage(user: string): Uint8Array {
  const parameters = Buffer.from(`user\0${user}\0database\0${user}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(3 << 16, 4);
  return Buffer.concat([head, parameters]);
}
