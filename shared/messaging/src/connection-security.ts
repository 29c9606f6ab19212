import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { choice, file } from '@waggle/kernel';

/** For a setting: reads a text file. @throws Error without what stands in it */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    throw new Error(`expected a file that can be read (${code})`, { cause: error });
  }
}

function readPem(kind: 'certificate' | 'private key'): (path: string) => string {
  const parse = (pem: string): unknown =>
    kind === 'certificate' ? new X509Certificate(pem) : createPrivateKey(pem);
  return (path) => {
    const pem = readText(path);
    try {
      parse(pem);
    } catch {
      throw new Error(`expected a PEM file with a ${kind}${kind === 'private key' ? ', not encrypted' : ''}`);
    }
    return pem;
  };
}

/** A setting of the authorities that may have signed the server's certificate. */
export const caFile = () =>
  file(readPem('certificate'), {
    description: "PEM file of the authorities that signed the server's certificate; the system's when empty",
  });
/** A setting of the certificate that a client shows. */
export const certFile = () =>
  file(readPem('certificate'), { description: 'PEM file of the certificate that this client shows' });
/** A setting of its key. */
export const keyFile = () =>
  file(readPem('private key'), { description: 'PEM file of the key of that certificate, not encrypted' });
/** A setting of where passwords may go without TLS. */
export const cleartext = () =>
  choice(['loopback', 'anywhere'], {
    description:
      'where passwords may be sent without TLS: loopback, or anywhere (a network nobody else hears)',
    default: 'loopback',
  });

/** What an adapter knows of its connection, for `checkConnection`. */
export interface ConnectionPlan {
  /** What the names of its settings begin with. */
  readonly prefix: string;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly isEncrypted: boolean;
  /** Whether a password or a token is sent, which who listens could use. */
  readonly sendsSecret: boolean;
  readonly cleartext: 'loopback' | 'anywhere';
  readonly hosts: readonly string[];
  /** How to write a URL that asks for TLS. */
  readonly secureUrl: string;
}

/** What is wrong with how a connection is to be secured, and what to do; the same for every broker. */
export function checkConnection(plan: ConnectionPlan): readonly string[] {
  const { prefix, cert, key, isEncrypted, sendsSecret, secureUrl } = plan;
  const problems: string[] = [];
  if ((cert === undefined) !== (key === undefined)) {
    const [has, lacks] = cert === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY'];
    problems.push(`${prefix}_${has}_FILE is set and ${prefix}_${lacks}_FILE is not: set both, or neither`);
  } else if (cert !== undefined && key !== undefined && !belongs(cert, key)) {
    problems.push(`${prefix}_KEY_FILE is not the key of the certificate in ${prefix}_CERT_FILE: set a pair`);
  }
  if (isEncrypted || !sendsSecret || plan.cleartext === 'anywhere' || plan.hosts.every(isLoopback)) {
    return problems;
  }
  const otherwise = `or set ${prefix}_CLEARTEXT=anywhere where nobody else can listen`;
  problems.push(`${prefix}_URL would send a password without TLS: use ${secureUrl}, ${otherwise}`);
  return problems;
}

/** What to warn of: messages that can be read on their way. `undefined` when they cannot, or the network is trusted. */
export function warningOf({ prefix, secureUrl, ...plan }: ConnectionPlan): string | undefined {
  if (plan.isEncrypted || plan.cleartext === 'anywhere' || plan.hosts.every(isLoopback)) return undefined;
  return `messages can be read and changed on their way to the broker: let ${prefix}_URL begin with ${secureUrl}`;
}

const belongs = (cert: string, key: string): boolean =>
  new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));

/** Whether a host name or address of a URL is this machine. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** Codes of Node, and of OpenSSL, for a certificate that is not accepted by one side or the other. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|^ERR_(SSL|TLS)|ALTNAME/;

/** Whether an error of the platform says that one side does not accept the other's certificate: waiting does not help. */
export function isUntrusted(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNTRUSTED.test(String(error.code));
}
