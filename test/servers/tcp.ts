import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

/**
 * A port on 127.0.0.1 that nothing listens on.
 *
 * It lies below the range from which operating systems take source ports: a client that keeps reconnecting to a port
 * inside that range can be given the same port as its own, be connected to itself, and keep the server from returning.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = randomInt(20_000, 32_000);
    if (await canListen(port)) return port;
  }
  throw new Error(
    '[waggle] [servers] found no free port from 20000 to 32000 on 127.0.0.1: stop what holds them',
  );
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** What a client says first, and how the server's first bytes must begin, for a port to count as that server. */
export interface Hello {
  readonly say: Uint8Array | string;
  readonly expect: string;
}

/** Whether a server at `host`:`port` accepts a connection and, if a `hello` is given, answers it. Never rejects. */
export function answers(host: string, port: number, hello?: Hello, timeoutMs = 2_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    socket.once('connect', () => (hello === undefined ? settle(true) : socket.write(hello.say)));
    socket.once('data', (bytes) => settle(bytes.toString('latin1').startsWith(hello?.expect ?? '')));
  });
}
