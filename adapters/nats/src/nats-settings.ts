import { file, optionalText, url, type SettingValues } from '@waggle/kernel';
import {
  caFile,
  certFile,
  checkConnection,
  cleartext,
  keyFile,
  readText,
  type ConnectionPlan,
} from '@waggle/messaging';
import { credsAuthenticator, nkeyAuthenticator, nkeys, type ConnectionOptions } from 'nats';
import { parseServers, type NatsOptions } from './nats-connection.ts';

/** What the environment says of the connection. Only one kind of credential is used at a time. */
export const natsSettings = {
  NATS_URL: url(['nats:', 'tls:'], {
    description:
      'servers of one NATS cluster, separated by commas; user and password may stand in it; tls:// wants TLS',
    default: 'nats://127.0.0.1:4222',
  }),
  NATS_USER: optionalText({ description: 'user, with NATS_PASSWORD' }),
  NATS_PASSWORD: optionalText({ description: 'password of NATS_USER', secret: true }),
  NATS_TOKEN: optionalText({ description: 'token, in the place of a user and a password', secret: true }),
  NATS_NKEY_FILE: file(readSeed, { description: 'file with the seed of an NKEY' }),
  NATS_CREDS_FILE: file(readCreds, { description: 'credentials file of an operator (JWT and seed)' }),
  NATS_CA_FILE: caFile(),
  NATS_CERT_FILE: certFile(),
  NATS_KEY_FILE: keyFile(),
  NATS_CLEARTEXT: cleartext(),
};

export type NatsSettings = SettingValues<typeof natsSettings>;

export function checkNats(values: NatsSettings): readonly string[] {
  const { NATS_USER: user, NATS_PASSWORD: password } = values;
  const problems: string[] = [];
  const servers = serversOf(values);
  if (servers === undefined) return ['NATS_URL is not a URL: write nats://host:4222, several with commas'];
  if ((user === undefined) !== (password === undefined)) {
    problems.push('NATS_USER and NATS_PASSWORD belong together: set both, or neither');
  }
  const kinds = {
    'the credentials in NATS_URL': servers.user ?? servers.token,
    NATS_USER: user ?? password,
    NATS_TOKEN: values.NATS_TOKEN,
    NATS_NKEY_FILE: values.NATS_NKEY_FILE,
    NATS_CREDS_FILE: values.NATS_CREDS_FILE,
  };
  const given = Object.entries(kinds).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length > 1) problems.push(`${given.join(' and ')} are set: keep one of them`);
  return [...problems, ...checkConnection(planOf(values))];
}

export function planOf(values: NatsSettings): ConnectionPlan {
  const { servers = [], user, token, tls } = serversOf(values) ?? {};
  const { NATS_CA_FILE: ca, NATS_CERT_FILE: cert, NATS_KEY_FILE: key } = values;
  return {
    prefix: 'NATS',
    cert,
    key,
    isEncrypted: [tls, ca, cert].some((each) => each !== undefined),
    // Of an NKEY and of credentials only a signature is sent.
    sendsSecret: [user, token, values.NATS_PASSWORD, values.NATS_TOKEN].some((each) => each !== undefined),
    cleartext: values.NATS_CLEARTEXT,
    hosts: [servers].flat().map((host) => host.replace(/:\d+$/, '')),
    secureUrl: 'tls://',
  };
}

export function natsOptions(values: NatsSettings): NatsOptions {
  const { NATS_CA_FILE: ca, NATS_CERT_FILE: cert, NATS_KEY_FILE: key } = values;
  const { NATS_USER: user, NATS_PASSWORD: pass, NATS_TOKEN: token } = values;
  const { NATS_NKEY_FILE: seed, NATS_CREDS_FILE: creds } = values;
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const connection: Partial<ConnectionOptions> = {
    ...(user !== undefined && pass !== undefined && { user, pass }),
    ...(token !== undefined && { token }),
    ...(seed !== undefined && { authenticator: nkeyAuthenticator(bytes(seed)) }),
    ...(creds !== undefined && { authenticator: credsAuthenticator(bytes(creds)) }),
    ...(planOf(values).isEncrypted && {
      tls: {
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
      },
    }),
  };
  return { url: values.NATS_URL, connection };
}

function serversOf({ NATS_URL }: NatsSettings): ReturnType<typeof parseServers> | undefined {
  try {
    return parseServers(NATS_URL);
  } catch {
    return undefined;
  }
}

function readSeed(path: string): string {
  const seed = /^SU[A-Z2-7]+$/m.exec(readText(path))?.[0] ?? '';
  try {
    nkeys.fromSeed(new TextEncoder().encode(seed)).clear();
  } catch {
    throw new Error("expected a file with a user's seed, which begins with SU");
  }
  return seed;
}

function readCreds(path: string): string {
  const creds = readText(path);
  if (/BEGIN NATS USER JWT/.test(creds) && /BEGIN USER NKEY SEED/.test(creds)) return creds;
  throw new Error('expected a credentials file, with a user JWT and the seed of its NKEY');
}
