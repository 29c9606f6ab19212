import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Link } from '../suite/index.ts';

/** Sees what passes on one connection, and gives what is passed on instead. */
export interface Passage {
  toServer(bytes: Buffer): Buffer;
  toClient(bytes: Buffer): Buffer;
}

type Broker = 'driver' | 'closeChannels' | 'deleteConsumer' | 'consumers';

/** The part of a link that knows no broker. */
export interface TcpLink extends Omit<Link, Broker> {
  /** `url` with the address of this link in place of the server's. */
  through(url: string): string;
  /** When somebody connected, let through or not, by the clock of `performance`. */
  readonly attempts: readonly number[];
  /** Whether a text was carried in either direction, as it is. Looks at a megabyte at most. */
  carried(text: string): boolean;
}

const MOST_HEARD = 1_048_576;
const same = (bytes: Buffer): Buffer => bytes;
const untouched = (): Passage => ({ toServer: same, toClient: same });

/**
 * Passes bytes on to the server of `url`, until a test says otherwise. Listens on a free port of 127.0.0.1.
 * @param passage called for each connection, with the sockets to the client and to the server
 */
export async function openTcpLink(
  url: string,
  passage: (client: Socket, server: Socket) => Passage = untouched,
): Promise<TcpLink> {
  const target = new URL(url);
  const pairs = new Set<readonly [Socket, Socket]>();
  const waiting = new Set<() => void>();
  const attempts: number[] = [];
  let heard = '';
  let isCut = false;
  let isStalled = false;
  let received = 0;

  const hear = (bytes: Buffer): void => {
    if (heard.length < MOST_HEARD) heard += bytes.toString('latin1');
  };
  const server = createServer((near) => {
    attempts.push(performance.now());
    for (const tell of waiting) tell();
    waiting.clear();
    near.on('error', () => undefined);
    if (isCut) return void near.destroy();
    const far = connect(Number(target.port), target.hostname);
    const pair = [near, far] as const;
    pairs.add(pair);
    far.on('error', () => undefined);
    const { toServer, toClient } = passage(near, far);
    near.on('data', (bytes: Buffer) => {
      hear(bytes);
      far.write(toServer(bytes));
    });
    far.on('data', (bytes: Buffer) => {
      hear(bytes);
      received += bytes.byteLength;
      near.write(toClient(bytes));
    });
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
    if (isStalled) for (const socket of pair) socket.pause();
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  const dropConnections = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const stopListening = (): Promise<void> =>
    new Promise((resolve) => {
      if (server.listening) server.close(() => resolve());
      else resolve();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;

  return {
    through(other) {
      const changed = new URL(other);
      changed.hostname = '127.0.0.1';
      changed.port = `${port}`;
      return changed.href;
    },
    async cut(how = 'reset') {
      isCut = true;
      dropConnections();
      if (how === 'refuse') await stopListening();
    },
    async restore() {
      isCut = false;
      if (!server.listening) await listen(port);
    },
    stall() {
      isStalled = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    resume() {
      isStalled = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    dropConnections,
    received: () => received,
    attempted: () => new Promise((resolve) => waiting.add(resolve)),
    attempts,
    carried: (text) => heard.includes(text),
    async close() {
      isCut = true;
      dropConnections();
      await stopListening();
    },
  };
}
