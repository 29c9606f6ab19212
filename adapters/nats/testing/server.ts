import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerProduct, ServerSpec, SpecInput } from '@waggle/test/servers';
import { freePort } from '@waggle/test/servers/tcp';

// MAX_EVENT_BYTES is 1 MiB by default and NATS counts the headers too, so the server needs room above it.
const MAX_PAYLOAD_BYTES = 2 * 1024 * 1024;

export const server: ServerProduct = {
  name: 'NATS',
  variable: 'NATS_URL',
  package: 'nats-server',
  binaries: ['nats-server'],
  ports: { nats: 4222, tls: 4222 },
  container: { port: 4222, url: (address) => `nats://${address}` },
  specify,
};

/** A NATS server with JetStream on 127.0.0.1, its streams in the folder. */
async function specify({ folder, binaries, config }: SpecInput): Promise<ServerSpec> {
  const port = await freePort();
  const configFile = join(folder, 'nats.conf');
  writeFileSync(
    configFile,
    `listen: "127.0.0.1:${port}"
max_payload: ${MAX_PAYLOAD_BYTES}
jetstream { store_dir: ${JSON.stringify(join(folder, 'jetstream'))} }
${config}
`,
  );
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    // The server speaks first. It listens only after JetStream has recovered its streams.
    hello: { say: '', expect: 'INFO ' },
    launch: {
      command: binaries.get('nats-server') ?? 'nats-server',
      args: ['--config', configFile],
      env: {},
      folder,
      logFile: join(folder, 'server.log'),
    },
  };
}
