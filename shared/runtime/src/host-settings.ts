import type { SettingValues } from '@waggle/kernel';
import { choice, integer, list, optionalText, text } from '@waggle/kernel';

const DAY_MS = 86_400_000;

/** What the host itself can be told. The adapters add theirs. */
export const hostSettings = {
  NAMESPACE: text({
    description: 'prefix of everything on the broker; one for each environment',
    default: 'waggle',
  }),
  SERVICES: list({
    description: 'services to run in this process, separated by commas; all when empty',
    default: '',
  }),
  BROKER: text({
    description: 'name of a folder in adapters/, or of an adapter package',
    default: 'memory',
  }),
  STORE: text({ description: 'name of a folder in adapters/, or of an adapter package', default: 'memory' }),
  LANES: integer({
    description: 'ordered lines that keys are hashed onto; fixed once the stream exists',
    default: '16',
    min: 1,
    max: 256,
  }),
  TOPOLOGY: choice(['declare', 'bind'], {
    description:
      'declare: what is missing on the broker and in the store is created; bind: it must be there, and nothing is altered',
    default: 'declare',
  }),
  MAX_EVENT_BYTES: integer({
    description: 'most bytes of an encoded message',
    default: '1048576',
    min: 1024,
    max: 8_388_608,
  }),
  RETENTION_MAX_AGE_MS: integer({
    description: 'how long the event stream keeps events',
    default: String(7 * DAY_MS),
    min: 1000,
  }),
  RETENTION_MAX_BYTES: integer({
    description: 'how much the event stream keeps',
    default: '1073741824',
    min: 1_048_576,
  }),
  BROKER_WAIT_MS: integer({
    description: 'how long to wait for the broker at start',
    default: '30000',
    min: 0,
  }),
  BROKER_TIMEOUT_MS: integer({
    description: 'how long to wait for an answer of the broker',
    default: '10000',
    min: 100,
  }),
  LEASE_MS: integer({
    description: 'without a sign of life for this long, what a member holds goes to another',
    default: '30000',
    min: 1000,
  }),
  STORE_TIMEOUT_MS: integer({
    description: 'how long to wait for an answer of the store',
    default: '10000',
    min: 100,
  }),
  INBOX_MAX_AGE_MS: integer({
    description: 'how long a message that was handled is known, and its repeats are recognised',
    default: String(14 * DAY_MS),
    min: 1000,
  }),
  HOST: text({ description: 'address to listen on', default: '127.0.0.1' }),
  PORT: integer({
    description: 'port to listen on; 0 takes a free one',
    default: '3000',
    min: 0,
    max: 65_535,
  }),
  API_TOKEN: optionalText({
    description: 'bearer token for every request but /livez and /readyz; required beyond loopback',
    secret: true,
  }),
  MAX_REQUEST_BYTES: integer({ description: 'most bytes of a request body', default: '262144', min: 1 }),
  LOG_LEVEL: choice(['debug', 'info', 'warn', 'error', 'silent'], {
    description: 'what is logged: debug, info, warn, error or silent',
    default: 'info',
  }),
  LOG_FORMAT: choice(['json', 'text'], {
    description: 'one JSON object a line, or text for people',
    default: 'json',
  }),
  SHUTDOWN_DELAY_MS: integer({
    description:
      'told to stop, how long to go on as before while /readyz says 503, so that a load balancer notices; 5000 behind one',
    default: '0',
    min: 0,
    max: 300_000,
  }),
  SHUTDOWN_TIMEOUT_MS: integer({
    description: 'how long stopping may take after that; work in flight has four fifths of it',
    default: '10000',
    min: 0,
  }),
};

export type HostSettings = SettingValues<typeof hostSettings>;

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/** Rules that concern more than one setting. */
export function checkHostSettings(settings: HostSettings, problems: string[]): void {
  if (settings.HOST !== undefined && !LOOPBACK.has(settings.HOST) && settings.API_TOKEN === undefined) {
    problems.push(`HOST is "${settings.HOST}" and API_TOKEN is not set: set a token, or listen on 127.0.0.1`);
  }
  const { INBOX_MAX_AGE_MS: inboxMs, RETENTION_MAX_AGE_MS: streamMs } = settings;
  if (inboxMs < streamMs) {
    problems.push(
      `INBOX_MAX_AGE_MS is ${inboxMs}, less than RETENTION_MAX_AGE_MS (${streamMs}): an event that is read again would take effect again: make it as long at least`,
    );
  }
  checkNamespace(settings, problems);
}

export function checkNamespace({ NAMESPACE }: Pick<HostSettings, 'NAMESPACE'>, problems: string[]): void {
  if (NAMESPACE !== undefined && !/^[a-z][a-z0-9-]{0,39}$/.test(NAMESPACE)) {
    problems.push(
      `NAMESPACE is "${NAMESPACE}": use at most 40 lower-case letters, digits and dashes, starting with a letter`,
    );
  }
}
