import { optionalText, url, type SettingValues } from '@waggle/kernel';
import {
  caFile,
  certFile,
  checkConnection,
  cleartext,
  keyFile,
  type ConnectionPlan,
} from '@waggle/messaging';
import type { PaperPlaneOptions } from './paper-plane-connection.ts';

/** What the environment says of the connection. `.env.example` has the same, which a test compares. */
export const paperPlaneSettings = {
  PAPER_PLANE_URL: url(['paper-plane:', 'tls:'], {
    description: 'the server; user and password may stand in it, special characters as %XX; tls:// wants TLS',
    default: 'paper-plane://127.0.0.1:7777',
  }),
  PAPER_PLANE_USER: optionalText({ description: 'user, with PAPER_PLANE_PASSWORD' }),
  PAPER_PLANE_PASSWORD: optionalText({ description: 'password of PAPER_PLANE_USER', secret: true }),
  PAPER_PLANE_CA_FILE: caFile(),
  PAPER_PLANE_CERT_FILE: certFile(),
  PAPER_PLANE_KEY_FILE: keyFile(),
  PAPER_PLANE_CLEARTEXT: cleartext(),
};

export type PaperPlaneSettings = SettingValues<typeof paperPlaneSettings>;

/** What is wrong with settings that are good one by one, each with what to do. */
export function checkPaperPlane(values: PaperPlaneSettings): readonly string[] {
  const { PAPER_PLANE_USER: user, PAPER_PLANE_PASSWORD: password } = values;
  const server = URL.parse(values.PAPER_PLANE_URL);
  if (server === null) return ['PAPER_PLANE_URL is not a URL: write paper-plane://host:7777'];
  const problems: string[] = [];
  if ((user === undefined) !== (password === undefined)) {
    problems.push('PAPER_PLANE_USER and PAPER_PLANE_PASSWORD belong together: set both, or neither');
  }
  if (server.username !== '' && user !== undefined) {
    problems.push('the credentials in PAPER_PLANE_URL and PAPER_PLANE_USER are set: keep one of them');
  }
  return [...problems, ...checkConnection(planOf(values))];
}

/** For the check that no password goes out in the clear, which is the same for every broker. */
export function planOf(values: PaperPlaneSettings): ConnectionPlan {
  const { PAPER_PLANE_CA_FILE: ca, PAPER_PLANE_CERT_FILE: cert, PAPER_PLANE_KEY_FILE: key } = values;
  const { protocol, username, hostname } = new URL(values.PAPER_PLANE_URL);
  return {
    prefix: 'PAPER_PLANE',
    cert,
    key,
    isEncrypted: protocol === 'tls:' || ca !== undefined || cert !== undefined,
    sendsSecret: username !== '' || values.PAPER_PLANE_PASSWORD !== undefined,
    cleartext: values.PAPER_PLANE_CLEARTEXT,
    hosts: [hostname],
    secureUrl: 'tls://',
  };
}

export function paperPlaneOptions(values: PaperPlaneSettings): PaperPlaneOptions {
  const { PAPER_PLANE_CA_FILE: ca, PAPER_PLANE_CERT_FILE: cert, PAPER_PLANE_KEY_FILE: key } = values;
  const { PAPER_PLANE_USER: user, PAPER_PLANE_PASSWORD: password } = values;
  return {
    url: values.PAPER_PLANE_URL,
    ...(user !== undefined && password !== undefined && { user, password }),
    ...(planOf(values).isEncrypted && {
      tls: {
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
      },
    }),
  };
}
