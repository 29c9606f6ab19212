import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate and its key, as text and as files. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority of a test: what it signed is trusted by who trusts it, and by nobody else. */
export interface Authority {
  readonly cert: string;
  readonly caFile: string;
  /** For a server that is called so, by name or IPv4 address. */
  server(...hosts: readonly string[]): Promise<Certified>;
  /** For a client of this common name. */
  client(name: string): Promise<Certified>;
  /** Removes the files. */
  remove(): void;
}

type Extensions = NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>;

const KEY = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
const IPV4 = /^\d+(\.\d+){3}$/;

/** Makes an authority and keeps what it signs in a temporary folder. Keys are elliptic: made in a millisecond. */
export async function createAuthority(name = 'authority of a test'): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), 'waggle-certificates-'));
  const own = await generate([{ name: 'commonName', value: name }], {
    ...KEY,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  let count = 0;
  const write = (file: string, text: string): string => {
    const path = join(folder, file);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };

  async function sign(commonName: string, extensions: Extensions): Promise<Certified> {
    const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
      ...KEY,
      ca: { key: own.private, cert: own.cert },
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        ...extensions,
      ],
    });
    const file = `${++count}`;
    return { cert, key, certFile: write(`${file}.crt`, cert), keyFile: write(`${file}.key`, key) };
  }

  return {
    cert: own.cert,
    caFile: write('ca.crt', own.cert),
    server: (...hosts) =>
      sign(hosts[0] ?? 'server', [
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: hosts.map((host) =>
            IPV4.test(host) ? { type: 7 as const, ip: host } : { type: 2 as const, value: host },
          ),
        },
      ]),
    client: (commonName) => sign(commonName, [{ name: 'extKeyUsage', clientAuth: true }]),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
