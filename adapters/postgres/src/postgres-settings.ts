import { integer, url, type SettingValues } from '@waggle/kernel';
import {
  caFile,
  certFile,
  checkConnection,
  cleartext,
  keyFile,
  warningOf,
  type ConnectionPlan,
} from '@waggle/messaging';
import type { PostgresOptions, PostgresTls } from './postgres-database.ts';

/** What the environment says of the connection. */
export const postgresSettings = {
  DATABASE_URL: url(['postgres:', 'postgresql:'], {
    description:
      'PostgreSQL, with user, password and database, special characters as %XX; ?sslmode=verify-full wants TLS',
    default: 'postgres://waggle:waggle@127.0.0.1:5432/waggle',
  }),
  DATABASE_POOL_SIZE: integer({
    description: 'most connections of this process, without the one that listens',
    default: '10',
    min: 1,
    max: 1000,
  }),
  DATABASE_CA_FILE: caFile(),
  DATABASE_CERT_FILE: certFile(),
  DATABASE_KEY_FILE: keyFile(),
  DATABASE_CLEARTEXT: cleartext(),
};

export type PostgresSettings = SettingValues<typeof postgresSettings>;

const SHAPE = 'write postgres://user:password@host:port/database, special characters as %XX';
/** As libpq calls them; both are checked in full here. */
const TLS_MODES: readonly string[] = ['require', 'verify-full'];

export function checkPostgres(values: PostgresSettings): readonly string[] {
  const problems = problemsOf(values.DATABASE_URL);
  return problems.length > 0 ? problems : checkConnection(planOf(values));
}

function problemsOf(text: string): readonly string[] {
  if (text.includes(',')) return ['DATABASE_URL names several servers: give one, the primary'];
  if (!URL.canParse(text)) return [`DATABASE_URL is not a URL: ${SHAPE}`];
  const { hash, searchParams, username, password, pathname } = new URL(text);
  if (hash !== '' || /%(?![0-9a-f]{2})/i.test(username + password + pathname)) {
    return [`DATABASE_URL has special characters that are not escaped: ${SHAPE}`];
  }
  if (pathname.length < 2) return [`DATABASE_URL names no database: ${SHAPE}`];
  const unknown = [...searchParams.keys()].filter((name) => name !== 'sslmode');
  if (unknown.length > 0) return [`DATABASE_URL has "${unknown[0]}", which is not used: leave it out`];
  const mode = searchParams.get('sslmode') ?? 'disable';
  if (mode === 'disable' || TLS_MODES.includes(mode)) return [];
  return [`DATABASE_URL has sslmode=${mode}: give verify-full, or disable on a network nobody else hears`];
}

function planOf(values: PostgresSettings): ConnectionPlan {
  const { hostname, password, searchParams } = new URL(values.DATABASE_URL);
  const { DATABASE_CA_FILE: ca, DATABASE_CERT_FILE: cert, DATABASE_KEY_FILE: key } = values;
  const host = decodeURIComponent(hostname);
  return {
    prefix: 'DATABASE',
    cert,
    key,
    isEncrypted: TLS_MODES.includes(searchParams.get('sslmode') ?? '') || (ca ?? cert) !== undefined,
    sendsSecret: password !== '',
    cleartext: values.DATABASE_CLEARTEXT,
    hosts: [host.startsWith('/') ? 'localhost' : host], // a socket in the file system
    secureUrl: '?sslmode=verify-full at its end',
  };
}

/** What to warn of: contents that can be read on their way. */
export function postgresWarning(values: PostgresSettings): string | undefined {
  if (warningOf(planOf(values)) === undefined) return undefined;
  return 'what is stored can be read and changed on its way to the database: let DATABASE_URL end with ?sslmode=verify-full';
}

export function postgresOptions(values: PostgresSettings): PostgresOptions {
  const { hostname, port, username, password, pathname } = new URL(values.DATABASE_URL);
  const { DATABASE_CA_FILE: ca, DATABASE_CERT_FILE: cert, DATABASE_KEY_FILE: key } = values;
  const tls: PostgresTls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return {
    host: decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 5432 : Number(port),
    database: decodeURIComponent(pathname.slice(1)),
    ...(username !== '' && { user: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(planOf(values).isEncrypted && { tls }),
    poolSize: values.DATABASE_POOL_SIZE,
  };
}
