import { credentials } from 'amqplib';
import { optionalText, url, type SettingValues } from '@waggle/kernel';
import {
  caFile,
  certFile,
  checkConnection,
  cleartext,
  keyFile,
  type ConnectionPlan,
} from '@waggle/messaging';
import { parseUrl, type RabbitMqOptions } from './rabbitmq-dial.ts';

/** What the environment says of the connection. */
export const rabbitMqSettings = {
  RABBITMQ_URL: url(['amqp:', 'amqps:'], {
    description:
      'a RabbitMQ node; user, password and virtual host may stand in it (user guest without); amqps:// wants TLS',
    default: 'amqp://127.0.0.1:5672',
  }),
  RABBITMQ_USER: optionalText({ description: 'user, with RABBITMQ_PASSWORD' }),
  RABBITMQ_PASSWORD: optionalText({ description: 'password of RABBITMQ_USER', secret: true }),
  RABBITMQ_CA_FILE: caFile(),
  RABBITMQ_CERT_FILE: certFile(),
  RABBITMQ_KEY_FILE: keyFile(),
  RABBITMQ_CLEARTEXT: cleartext(),
};

export type RabbitMqSettings = SettingValues<typeof rabbitMqSettings>;

const TLS_FILES = ['RABBITMQ_CA_FILE', 'RABBITMQ_CERT_FILE', 'RABBITMQ_KEY_FILE'] as const;

export function checkRabbitMq(values: RabbitMqSettings): readonly string[] {
  const { RABBITMQ_USER: user, RABBITMQ_PASSWORD: password } = values;
  const problems: string[] = [];
  try {
    parseUrl(values.RABBITMQ_URL);
  } catch {
    return [
      'RABBITMQ_URL is not a URL: write amqp://user:password@host:port/vhost, special characters as %XX',
    ];
  }
  const { protocol, username } = new URL(values.RABBITMQ_URL);
  if ((user === undefined) !== (password === undefined)) {
    problems.push('RABBITMQ_USER and RABBITMQ_PASSWORD belong together: set both, or neither');
  }
  if (username !== '' && user !== undefined) {
    problems.push('the credentials in RABBITMQ_URL and RABBITMQ_USER are set: keep one of them');
  }
  const files = TLS_FILES.filter((name) => values[name] !== undefined);
  if (protocol !== 'amqps:' && files.length > 0) {
    problems.push(`${files.join(', ')} need TLS: let RABBITMQ_URL begin with amqps://`);
  }
  return [...problems, ...checkConnection(planOf(values))];
}

export function planOf(values: RabbitMqSettings): ConnectionPlan {
  const { protocol, hostname } = new URL(values.RABBITMQ_URL);
  return {
    prefix: 'RABBITMQ',
    cert: values.RABBITMQ_CERT_FILE,
    key: values.RABBITMQ_KEY_FILE,
    isEncrypted: protocol === 'amqps:',
    sendsSecret: true,
    cleartext: values.RABBITMQ_CLEARTEXT,
    hosts: [hostname],
    secureUrl: 'amqps://',
  };
}

/** A certificate without a user and a password is itself the credential (EXTERNAL). */
export function rabbitMqOptions(values: RabbitMqSettings): RabbitMqOptions {
  const { RABBITMQ_CA_FILE: ca, RABBITMQ_CERT_FILE: cert, RABBITMQ_KEY_FILE: key } = values;
  const { RABBITMQ_URL, RABBITMQ_USER: user, RABBITMQ_PASSWORD: password } = values;
  const isExternal = cert !== undefined && user === undefined && new URL(RABBITMQ_URL).username === '';
  return {
    url: RABBITMQ_URL,
    socket: {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(user !== undefined && password !== undefined && { credentials: credentials.plain(user, password) }),
      ...(isExternal && { credentials: credentials.external() }),
    },
  };
}
