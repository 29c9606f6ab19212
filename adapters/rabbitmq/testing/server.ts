import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { PrivateServer, ServerProduct, ServerSpec, SpecInput } from '@waggle/test/servers';
import { freePort } from '@waggle/test/servers/tcp';

const run = promisify(execFile);

// epmd, Erlang's name service, would otherwise be started as a daemon of the whole machine, on every interface, and stay
// there. In the foreground it belongs to the server's process group and ends with it.
const WITH_EPMD = `"$1" -address 127.0.0.1 -port "$ERL_EPMD_PORT" &
exec "$2"`;

export const server: ServerProduct = {
  name: 'RabbitMQ',
  variable: 'RABBITMQ_URL',
  package: 'rabbitmq-server',
  binaries: ['rabbitmq-server', 'rabbitmqctl', 'epmd', 'erl'],
  // Debian's /usr/sbin/rabbitmq-server is a wrapper that changes the user.
  folders: { before: ['/usr/lib/rabbitmq/bin'] },
  ports: { amqp: 5672, amqps: 5671 },
  container: { port: 5672, url: (address) => `amqp://guest:guest@${address}` },
  specify,
};

/** Closes every client's connection from the server's side, as an operator would. */
export async function closeConnections({ ctl }: PrivateServer): Promise<void> {
  await ctl('close_all_connections', 'closed by a test');
}

/** One RabbitMQ node on 127.0.0.1 that shares nothing with another on this machine: name service, cookie, data, plugins. */
async function specify({ folder, binaries, config, plugins }: SpecInput): Promise<ServerSpec> {
  const [port, epmdPort, distributionPort] = [await freePort(), await freePort(), await freePort()];
  const binary = (name: string): string => binaries.get(name) ?? name;
  const node = `waggle-${randomBytes(6).toString('hex')}@localhost`;
  const files = writeFiles(folder, config, plugins);
  const loopback = '-kernel inet_dist_use_interface {127,0,0,1}';
  const env = {
    // Only this: the machine's own RABBITMQ_ variables must not reach our node.
    PATH: [...new Set([...binaries.values()].map(dirname)), process.env['PATH'] ?? ''].join(delimiter),
    LANG: 'C.UTF-8',
    HOME: files.home,
    // Makes the start script become the server by `exec` instead of waiting for it as its parent.
    detached: 'yes',
    ERL_EPMD_PORT: `${epmdPort}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: node,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: `${port}`,
    RABBITMQ_DIST_PORT: `${distributionPort}`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: loopback,
    RABBITMQ_CTL_ERL_ARGS: loopback,
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: files.config,
    RABBITMQ_CONFIG_FILES: join(folder, 'conf.d'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'generated'),
    RABBITMQ_ENABLED_PLUGINS_FILE: files.enabledPlugins,
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    ...slimInstallation(folder, binary('rabbitmq-server'), plugins),
  };
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    // The protocol header of AMQP 0-9-1, answered by Connection.Start: a method frame (1) on channel 0.
    hello: { say: 'AMQP\0\0\x09\x01', expect: '\x01\0\0' },
    launch: {
      command: 'sh',
      args: ['-c', WITH_EPMD, 'sh', binary('epmd'), binary('rabbitmq-server')],
      env,
      folder,
      logFile: join(folder, 'server.log'),
    },
    ctl: async (...args) => (await run(binary('rabbitmqctl'), ['-n', node, '-q', ...args], { env })).stdout,
  };
}

function writeFiles(
  folder: string,
  config: string,
  plugins: readonly string[],
): { home: string; config: string; enabledPlugins: string } {
  const files = {
    home: join(folder, 'home'),
    config: join(folder, 'rabbitmq.conf'),
    enabledPlugins: join(folder, 'enabled_plugins'),
  };
  mkdirSync(files.home);
  mkdirSync(join(folder, 'conf.d'));
  writeFileSync(join(files.home, '.erlang.cookie'), randomBytes(20).toString('hex'), { mode: 0o400 });
  writeFileSync(files.enabledPlugins, `[${plugins.join(',')}].\n`);
  writeFileSync(
    files.config,
    `# Room for tests on a nearly full disk; no statistics, which nobody reads here.
disk_free_limit.absolute = 50MB
collect_statistics = none
heartbeat = 5
${config}
`,
  );
  return files;
}

/**
 * A view of the installation with only the applications that the server itself and its plugins depend on.
 *
 * Erlang looks for each of a thousand modules in every plugin's folder, enabled or not: without the fifty that are not
 * needed the server starts in half the time. Where the installation looks different, it is used as it is.
 */
function slimInstallation(
  folder: string,
  server: string,
  plugins: readonly string[],
): Readonly<Record<string, string>> {
  const scripts = dirname(realpathSync(server));
  const available = join(scripts, '..', 'plugins');
  if (!existsSync(available)) return {};
  const folders = new Map(
    readdirSync(available).map((entry) => [entry.replace(/-[^-]*$/, ''), join(available, entry)]),
  );
  const needed = new Set<string>();
  const need = (application: string): void => {
    const path = folders.get(application);
    if (path === undefined || needed.has(path)) return;
    needed.add(path);
    dependencies(join(path, 'ebin', `${application}.app`)).forEach(need);
  };
  try {
    ['rabbit', 'rabbitmq_prelaunch', ...plugins].forEach(need);
  } catch {
    return {};
  }
  if (needed.size < 2) return {};
  const slim = join(folder, 'installation');
  mkdirSync(join(slim, 'plugins'), { recursive: true });
  for (const path of needed) symlinkSync(path, join(slim, 'plugins', path.slice(available.length + 1)));
  symlinkSync(scripts, join(slim, 'sbin'));
  symlinkSync(join(scripts, '..', 'escript'), join(slim, 'escript'));
  return { RABBITMQ_SCRIPTS_DIR: join(slim, 'sbin') };
}

/** The applications that an Erlang application resource file names: `{applications, [kernel, stdlib, ...]}`. */
function dependencies(appFile: string): readonly string[] {
  const list = /\{\s*applications\s*,\s*\[([^\]]*)\]/.exec(readFileSync(appFile, 'utf8'))?.[1] ?? '';
  return list.split(',').map((name) => name.trim());
}
