import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from 'nats';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { messageOf, silentLogger } from '@waggle/kernel';
import { createAuthority } from '@waggle/test/servers/certificates';
import { createOperator } from '../testing/operator.ts';
import { startPrivateServer } from '@waggle/test/servers';
import { createNatsDriver } from '../src/index.ts';
import { broker } from '../src/module.ts';
import { checkNats, natsOptions, type NatsSettings } from '../src/nats-settings.ts';
import { event, publish } from './harness.ts';

const authority = await createAuthority();
const other = await createAuthority('another authority');
const folder = mkdtempSync(join(tmpdir(), 'waggle-nats-security-'));
afterAll(() => {
  authority.remove();
  other.remove();
  rmSync(folder, { recursive: true, force: true });
});

const PASSWORD = 'a-password-of-the-test';

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A server with these lines in its configuration; resolves with host and port. */
async function serve(config: string): Promise<string> {
  const server = await startPrivateServer('nats', { config });
  onTestFinished(() => server.stop());
  return new URL(server.url).host;
}

async function serveTls(hosts: readonly string[], more = ''): Promise<string> {
  const { certFile, keyFile } = await authority.server(...hosts);
  return serve(
    `tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${authority.caFile}" ${more} }`,
  );
}

/** As the host does it, which tells more around the problems. */
function read(environment: Record<string, string>) {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(broker.settings)) {
    const text = environment[name] ?? setting.default ?? '';
    try {
      values[name] = setting.parse(text);
    } catch (error) {
      problems.push(`${name} is ${messageOf(error)}`);
    }
  }
  const parsed = values as NatsSettings;
  return { values: parsed, problems: problems.length > 0 ? problems : checkNats(parsed) };
}

/** Connects with what the environment says, and publishes. */
async function use(environment: Record<string, string>, waitMs = 0): Promise<void> {
  const { values, problems } = read(environment);
  expect(problems).toEqual([]);
  const driver = createNatsDriver(
    {
      namespace: 'secured',
      lanes: 2,
      retention: { maxAgeMs: 3_600_000, maxBytes: Infinity },
      maxMessageBytes: 1_048_576,
      requestTimeoutMs: 5000,
      leaseMs: 30_000,
      logger: silentLogger,
    },
    natsOptions(values),
  );
  try {
    await driver.open({ waitMs });
    await publish(driver, event());
  } finally {
    await driver.close();
  }
}

const nkey = nkeys.createUser();
const seedFile = write('user.nk', new TextDecoder().decode(nkey.getSeed()));
const otherSeedFile = write('other.nk', new TextDecoder().decode(nkeys.createUser().getSeed()));

const ACCESS = [
  {
    kind: 'a user and a password',
    config: `authorization { user: "waggle", password: "${PASSWORD}" }`,
    good: { NATS_USER: 'waggle', NATS_PASSWORD: PASSWORD },
    bad: { NATS_USER: 'waggle', NATS_PASSWORD: 'wrong' },
  },
  {
    kind: 'a token',
    config: `authorization { token: "${PASSWORD}" }`,
    good: { NATS_TOKEN: PASSWORD },
    bad: { NATS_TOKEN: 'wrong' },
  },
  {
    kind: 'an NKEY',
    config: `authorization { users = [ { nkey: "${nkey.getPublicKey()}" } ] }`,
    good: { NATS_NKEY_FILE: seedFile },
    bad: { NATS_NKEY_FILE: otherSeedFile },
  },
] as const;

for (const { kind, config, good, bad } of ACCESS) {
  test(`${kind} opens the server; a wrong one is denied at once, however long may be waited`, async () => {
    const NATS_URL = `nats://${await serve(config)}`;
    await use({ NATS_URL, ...good });
    await expect(use({ NATS_URL, ...bad }, 60_000)).rejects.toMatchObject({ code: 'denied' });
    await expect(use({ NATS_URL }, 60_000)).rejects.toMatchObject({ code: 'denied' });
  });
}

test('a credentials file of an operator opens the server', async () => {
  const { config, creds, stranger } = createOperator();
  const NATS_URL = `nats://${await serve(config)}`;
  await use({ NATS_URL, NATS_CREDS_FILE: write('user.creds', creds) });
  const NATS_CREDS_FILE = write('stranger.creds', stranger);
  await expect(use({ NATS_URL, NATS_CREDS_FILE }, 60_000)).rejects.toMatchObject({ code: 'denied' });
});

test('TLS with an authority of our own; another authority is denied at once', async () => {
  const host = await serveTls(['localhost', '127.0.0.1']);
  await use({ NATS_URL: `tls://${host}`, NATS_CA_FILE: authority.caFile });
  const stranger = { NATS_URL: `tls://${host}`, NATS_CA_FILE: other.caFile };
  await expect(use(stranger, 60_000)).rejects.toMatchObject({ code: 'denied' });
  await expect(use({ NATS_URL: `tls://${host}` }, 60_000)).rejects.toMatchObject({ code: 'denied' });
});

test.each([
  ['127.0.0.1', ['127.0.0.1']],
  ['localhost', ['localhost']],
  ['localhost', ['127.0.0.1', 'localhost']],
])('a server is who its certificate says, by name and by address: %s', async (host, named) => {
  const port = new URL(`http://${await serveTls(named)}`).port;
  const environment = { NATS_URL: `tls://${host}:${port}`, NATS_CA_FILE: authority.caFile };
  await use(environment);
});

test.each([
  ['127.0.0.1', 'elsewhere.example'],
  ['127.0.0.1', 'localhost'],
  ['127.0.0.1', '127.0.0.2'],
  ['localhost', '127.0.0.1'],
])('a certificate of another host is denied at once: %s is not %s', async (asked, named) => {
  const host = `${asked}:${new URL(`http://${await serveTls([named])}`).port}`;
  const environment = { NATS_URL: `tls://${host}`, NATS_CA_FILE: authority.caFile };
  await expect(use(environment, 60_000)).rejects.toMatchObject({ code: 'denied' });
});

test('a client certificate opens the server; without one it is denied at once', async () => {
  const host = await serveTls(['127.0.0.1', 'localhost'], ', verify: true');
  const { certFile, keyFile } = await authority.client('waggle');
  const environment = { NATS_URL: `tls://${host}`, NATS_CA_FILE: authority.caFile };
  await use({ ...environment, NATS_CERT_FILE: certFile, NATS_KEY_FILE: keyFile });
  await expect(use(environment, 60_000)).rejects.toMatchObject({ code: 'denied' });
});

test('a server without TLS is refused by who asked for it, before a password is sent', async () => {
  const host = await serve('');
  await expect(use({ NATS_URL: `tls://user:${PASSWORD}@${host}` })).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('no TLS'),
  });
});

test('what does not fit together is a problem each, and shows no secret', () => {
  const NATS_NKEY_FILE = seedFile;
  const { problems } = read({
    NATS_URL: `nats://user:${PASSWORD}@nats.example:4222`,
    NATS_TOKEN: PASSWORD,
    NATS_NKEY_FILE,
    NATS_PASSWORD: PASSWORD,
  });
  expect(problems).toEqual([
    expect.stringContaining('NATS_USER and NATS_PASSWORD belong together'),
    expect.stringContaining('NATS_TOKEN and NATS_NKEY_FILE are set: keep one'),
    expect.stringContaining('NATS_URL would send a password without TLS: use tls://'),
  ]);
  expect(problems.join()).not.toContain(PASSWORD);
});

test('files that cannot be read or hold something else are told by the name of their variable', () => {
  const NATS_CA_FILE = write('ca.txt', `not a certificate: ${PASSWORD}`);
  const { problems } = read({
    NATS_CA_FILE,
    NATS_KEY_FILE: join(folder, 'missing'),
    NATS_NKEY_FILE: NATS_CA_FILE,
    NATS_CREDS_FILE: NATS_CA_FILE,
  });
  expect(problems).toEqual([
    expect.stringContaining('NATS_NKEY_FILE is'),
    expect.stringContaining('NATS_CREDS_FILE is'),
    expect.stringContaining('expected a PEM file with a certificate'),
    expect.stringContaining('expected a file that can be read (ENOENT)'),
  ]);
  expect(problems.join()).not.toContain(PASSWORD);
});

test('a password stays on this machine unless it is encrypted, or the network is trusted', () => {
  const NATS_URL = `nats://user:${PASSWORD}@nats:4222`;
  expect(read({ NATS_URL }).problems).toHaveLength(1);
  expect(read({ NATS_URL, NATS_CLEARTEXT: 'anywhere' }).problems).toEqual([]);
  expect(read({ NATS_URL, NATS_CA_FILE: authority.caFile }).problems).toEqual([]);
  for (const host of ['nats:4222', '127.0.0.1:4222', 'localhost', '[::1]:4222']) {
    expect(read({ NATS_URL: `nats://${host}` }).problems).toEqual([]);
  }
  expect(read({ NATS_URL: `nats://user:${PASSWORD}@[::1]:4222` }).problems).toEqual([]);
});
