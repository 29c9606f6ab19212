import { afterAll, beforeAll, expect, test } from 'vitest';
import { messageOf } from '@waggle/kernel';
import { createAuthority, type Certified } from '@waggle/test/servers/certificates';
import { freePort } from '@waggle/test/servers/tcp';
import { startPrivateServer, type PrivateServer } from '@waggle/test/servers';
import { createRabbitMqDriver } from '../src/index.ts';
import { broker } from '../src/module.ts';
import { checkRabbitMq, rabbitMqOptions, type RabbitMqSettings } from '../src/rabbitmq-settings.ts';
import { message, settingsFor, uniqueNamespace } from './harness.ts';

const PASSWORD = 'a-password-of-the-test';
const authority = await createAuthority();
const other = await createAuthority('another authority');
const port = await freePort();
let server: PrivateServer;
let known: Certified;
let unknown: Certified;

beforeAll(async () => {
  const { certFile, keyFile } = await authority.server('127.0.0.1');
  known = await authority.client('waggle');
  unknown = await authority.client('nobody');
  server = await startPrivateServer('rabbitmq', {
    plugins: ['rabbitmq_auth_mechanism_ssl'],
    config: `listeners.ssl.default = 127.0.0.1:${port}
ssl_options.cacertfile = ${authority.caFile}
ssl_options.certfile = ${certFile}
ssl_options.keyfile = ${keyFile}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL`,
  });
  await server.ctl('add_user', 'waggle', PASSWORD);
  await server.ctl('set_permissions', 'waggle', '.*', '.*', '.*');
}, 60_000);
afterAll(async () => {
  await server.stop();
  authority.remove();
  other.remove();
});

/** As the host does it, which tells more around the problems. */
function read(environment: Record<string, string>) {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(broker.settings)) {
    try {
      values[name] = setting.parse(environment[name] ?? setting.default ?? '');
    } catch (error) {
      problems.push(`${name} is ${messageOf(error)}`);
    }
  }
  const parsed = values as RabbitMqSettings;
  return { values: parsed, problems: problems.length > 0 ? problems : checkRabbitMq(parsed) };
}

/** Connects with what the environment says, and publishes. */
async function use(environment: Record<string, string>, waitMs = 0): Promise<void> {
  const { values, problems } = read(environment);
  expect(problems).toEqual([]);
  const driver = createRabbitMqDriver(settingsFor(uniqueNamespace()), rabbitMqOptions(values));
  try {
    await driver.open({ waitMs });
    expect(await driver.publish([message('a')])).toEqual([undefined]);
  } finally {
    await driver.close();
  }
}

const showing = ({ certFile, keyFile }: Certified): Record<string, string> => ({
  RABBITMQ_URL: `amqps://127.0.0.1:${port}`,
  RABBITMQ_CA_FILE: authority.caFile,
  RABBITMQ_CERT_FILE: certFile,
  RABBITMQ_KEY_FILE: keyFile,
});
const USER = { RABBITMQ_USER: 'waggle', RABBITMQ_PASSWORD: PASSWORD };

test('a user and a password open the server; a wrong one is denied at once, however long may be waited', async () => {
  const { host } = new URL(server.url);
  await use({ RABBITMQ_URL: `amqp://${host}`, ...USER });
  const wrong = { RABBITMQ_URL: `amqp://${host}`, ...USER, RABBITMQ_PASSWORD: 'wrong' };
  await expect(use(wrong, 60_000)).rejects.toMatchObject({ code: 'denied' });
});

test('TLS with an authority of our own, a client certificate and a password', async () => {
  await use({ ...showing(known), ...USER });
  const wrong = { ...showing(known), ...USER, RABBITMQ_PASSWORD: 'wrong' };
  await expect(use(wrong, 60_000)).rejects.toMatchObject({ code: 'denied' });
});

test('a client certificate alone opens the server; that of an unknown user is denied at once', async () => {
  await use(showing(known));
  await expect(use(showing(unknown), 60_000)).rejects.toMatchObject({ code: 'denied' });
});

test("another authority than the server's is denied at once, as is another host", async () => {
  const stranger = { ...showing(known), RABBITMQ_CA_FILE: other.caFile };
  await expect(use(stranger, 60_000)).rejects.toMatchObject({ code: 'denied' });
  const elsewhere = { ...showing(known), RABBITMQ_URL: `amqps://localhost:${port}` };
  await expect(use(elsewhere, 60_000)).rejects.toMatchObject({ code: 'denied' });
});

test('a client without a certificate is refused by a server that wants one', async () => {
  const environment = {
    RABBITMQ_URL: `amqps://127.0.0.1:${port}`,
    RABBITMQ_CA_FILE: authority.caFile,
    ...USER,
  };
  await expect(use(environment, 60_000)).rejects.toMatchObject({ code: 'denied' });
});

test('what does not fit together is a problem each, and shows no secret', () => {
  const { problems } = read({
    RABBITMQ_URL: `amqp://user:${PASSWORD}@rabbitmq.example:5672`,
    RABBITMQ_USER: 'waggle',
    RABBITMQ_CA_FILE: authority.caFile,
    RABBITMQ_CERT_FILE: known.certFile,
    RABBITMQ_KEY_FILE: unknown.keyFile,
  });
  expect(problems).toEqual([
    expect.stringContaining('RABBITMQ_USER and RABBITMQ_PASSWORD belong together'),
    expect.stringContaining('the credentials in RABBITMQ_URL and RABBITMQ_USER are set: keep one'),
    expect.stringContaining('RABBITMQ_CA_FILE, RABBITMQ_CERT_FILE, RABBITMQ_KEY_FILE need TLS'),
    expect.stringContaining('RABBITMQ_KEY_FILE is not the key of the certificate in RABBITMQ_CERT_FILE'),
    expect.stringContaining('RABBITMQ_URL would send a password without TLS: use amqps://'),
  ]);
  expect(problems.join()).not.toContain(PASSWORD);
  expect(read({ RABBITMQ_CERT_FILE: known.certFile }).problems).toEqual([
    expect.stringContaining('need TLS'),
    expect.stringContaining('RABBITMQ_CERT_FILE is set and RABBITMQ_KEY_FILE is not: set both'),
  ]);
});

test('a password stays on this machine unless it is encrypted, or the network is trusted', () => {
  expect(read({ RABBITMQ_URL: 'amqp://rabbitmq:5672' }).problems).toHaveLength(1);
  expect(read({ RABBITMQ_URL: 'amqp://rabbitmq:5672', RABBITMQ_CLEARTEXT: 'anywhere' }).problems).toEqual([]);
  expect(read({ RABBITMQ_URL: 'amqps://rabbitmq' }).problems).toEqual([]);
  expect(read({ RABBITMQ_URL: 'amqp://[::1]' }).problems).toEqual([]);
  expect(read({}).problems).toEqual([]);
});
