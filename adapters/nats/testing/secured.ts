import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { credsAuthenticator, nkeyAuthenticator, nkeys, type ConnectionOptions } from 'nats';
import type { Credential, Drivers, Permission, Secured } from '@waggle/test/contract';
import type { Authorities } from '@waggle/test/contract/authorities';
import { contractSettings } from '@waggle/test/contract/settings';
import { openTcpLink, type TcpLink } from '@waggle/test/contract/tcp-link';
import { startPrivateServer, type PrivateServer } from '@waggle/test/servers';
import { createNatsDriver } from '../src/index.ts';
import { createOperator } from './operator.ts';

/** By default the server gives a handshake two seconds, which a busy machine may not have. */
const PATIENCE_S = 20;

const FORBIDDEN: Readonly<Record<Permission, (namespace: string) => readonly string[]>> = {
  publish: (namespace) => [`${namespace}.evt.>`, `${namespace}.cmd.>`],
  consume: () => ['$JS.API.CONSUMER.MSG.NEXT.>'],
  read: () => ['$JS.API.DIRECT.GET.>', '$JS.API.STREAM.MSG.GET.>'],
  declare: () => [
    ...['CREATE', 'UPDATE', 'DELETE', 'PURGE', 'MSG.DELETE'].map((what) => `$JS.API.STREAM.${what}.>`),
    ...['CREATE', 'DURABLE', 'DELETE'].map((what) => `$JS.API.CONSUMER.${what}.>`),
  ],
};

/** Servers of one test: one whose only user has a password and an NKEY, and one for each other kind of credential. */
export async function openNatsAccount(authorities: Authorities, secret: string): Promise<Secured> {
  const { authority, stranger, server, client } = authorities;
  const nkey = nkeys.createUser();
  const operator = createOperator();
  const starting = [
    users(secret, nkey.getPublicKey()),
    `authorization { timeout: ${PATIENCE_S}, token: "${secret}" }`,
    operator.config,
  ];
  const servers = await Promise.all(
    starting.map(async (config) => startPrivateServer('nats', { config: `${tls()}\n${config}` })),
  );
  const links = await Promise.all(servers.map(({ url }) => openTcpLink(url)));
  const [main, withToken, withOperator] = links.map((link, index) => ({
    link,
    server: servers[index] as PrivateServer,
  }));
  if (main === undefined || withToken === undefined || withOperator === undefined)
    throw new Error('three were started');
  const encode = (text: string | Uint8Array) =>
    typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const showing = { ca: authority.cert, cert: client.cert, key: client.key };

  function tls(): string {
    return `tls { cert_file: "${server.certFile}", key_file: "${server.keyFile}", ca_file: "${authority.caFile}", verify: true, timeout: ${PATIENCE_S} }`;
  }
  function users(password: string, key: string, denied: readonly string[] = []): string {
    const permissions = `permissions: { publish: { deny: ${JSON.stringify(denied)} } }`;
    return `authorization { timeout: ${PATIENCE_S}, users = [ { user: "waggle", password: "${password}", ${permissions} }, { nkey: "${key}" } ] }`;
  }
  async function changed(authorization: string): Promise<() => Promise<void>> {
    await reconfigure(main?.server, authorization);
    return () => reconfigure(main?.server, users(secret, nkey.getPublicKey()));
  }
  const at =
    (
      { link, server: { url } }: { link: TcpLink; server: PrivateServer },
      connection: Partial<ConnectionOptions>,
      host = '127.0.0.1',
    ): Drivers =>
    (overrides) =>
      createNatsDriver(contractSettings(overrides), {
        url: link.through(url).replace('127.0.0.1', host),
        connection: { tls: showing, ...connection },
      });
  const kind = (
    where: typeof main,
    right: Partial<ConnectionOptions>,
    wrong: Partial<ConnectionOptions>,
  ): Credential => ({
    right: at(where, right),
    wrong: at(where, wrong),
  });
  const seed = (pair: ReturnType<typeof nkeys.createUser>) => ({
    authenticator: nkeyAuthenticator(pair.getSeed()),
  });
  const file = (creds: string) => ({ authenticator: credsAuthenticator(encode(creds)) });
  const user = { user: 'waggle', pass: secret };

  return {
    driver: at(main, user),
    wrongCertificates: {
      'another authority': at(main, { ...user, tls: { ...showing, ca: stranger.cert } }),
      'another host': at(main, user, 'localhost'),
      'no certificate of the client': at(main, { ...user, tls: { ca: authority.cert } }),
    },
    credentials: {
      'user and password': kind(main, user, { ...user, pass: `not-${secret}` }),
      NKEY: kind(main, seed(nkey), seed(nkeys.createUser())),
      token: kind(withToken, { token: secret }, { token: `not-${secret}` }),
      'credentials file': kind(withOperator, file(operator.creds), file(operator.stranger)),
    },
    get attempts() {
      return links.flatMap(({ attempts }) => attempts).toSorted((one, other) => one - other);
    },
    carried: (text) => links.some((link) => link.carried(text)),
    lock: () => changed(users(`changed-${secret}`, nkey.getPublicKey())),
    forbid: (permission, namespace) =>
      changed(users(secret, nkey.getPublicKey(), FORBIDDEN[permission](namespace))),
    async close() {
      await Promise.all(links.map((link) => link.close()));
      await Promise.all(servers.map((each) => each.stop()));
    },
  };
}

/** The server goes on with other users: who is no longer let in is put out, what is no longer allowed is refused. */
async function reconfigure(server: PrivateServer | undefined, authorization: string): Promise<void> {
  const { folder = '', pid = () => 0 } = server ?? {};
  const file = join(folder, 'nats.conf');
  const reloads = (): number =>
    readFileSync(join(folder, 'server.log'), 'utf8').split('Reloaded server configuration').length;
  const before = reloads();
  const [kept = ''] = readFileSync(file, 'utf8').split('authorization');
  writeFileSync(file, `${kept}${authorization}\n`);
  process.kill(pid() ?? 0, 'SIGHUP');
  while (reloads() === before) await delay(10);
}
