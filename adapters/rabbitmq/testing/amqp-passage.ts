import type { Socket } from 'node:net';
import type { Passage } from '@waggle/test/contract/tcp-link';

const METHOD_FRAME = 1;
const HEADER_BYTES = 7;
const FRAME_END = 0xce;
const PROTOCOL_HEADER_BYTES = 8;
/** Class and method, as AMQP 0-9-1 numbers them. */
const CHANNEL_OPEN = '20.10';
const CHANNEL_CLOSE = '20.40';
const CHANNEL_CLOSE_OK = '20.41';
const CONSUME = '60.20';
const CANCEL = '60.30';
const CANCEL_OK = '60.31';
const ACK = '60.80';

/** Never sent by a server that was started a moment ago. */
const UNKNOWN_TAG = Buffer.from('00000000ffffffff', 'hex');

/** What an AMQP connection carries, frame by frame, with what a test does to it. */
export interface AmqpPassage extends Passage {
  /** Acknowledges on each channel what was never sent there: the server closes it, with 406, and nothing else. */
  closeChannels(): void;
  /** Cancels what consumes from a queue whose name begins so; the client is told as if the server had done it alone. */
  cancelConsumers(prefix: string): void;
}

export function amqpPassage(client: Socket, server: Socket): AmqpPassage {
  const channels = new Set<number>();
  const consumers = new Map<number, { readonly queue: string; readonly tag: string }>();
  const cancelled = new Set<number>();

  function forget(channel: number): void {
    channels.delete(channel);
    consumers.delete(channel);
    cancelled.delete(channel);
  }

  function fromClient(frame: Buffer): Buffer {
    const { method, channel, body } = parse(frame);
    if (method === CHANNEL_OPEN) channels.add(channel);
    if (method === CHANNEL_CLOSE || method === CHANNEL_CLOSE_OK) forget(channel);
    if (method === CONSUME) {
      const queue = textAt(body, 2);
      consumers.set(channel, { queue, tag: textAt(body, 3 + queue.length) });
    }
    return frame;
  }

  function fromServer(frame: Buffer): Buffer {
    const { method, channel } = parse(frame);
    if (method !== CANCEL_OK || !cancelled.delete(channel)) return frame;
    const { tag = '' } = consumers.get(channel) ?? {};
    consumers.delete(channel);
    return build(channel, CANCEL, text(tag), Buffer.of(1));
  }

  const opened = wholeFrames(fromClient, PROTOCOL_HEADER_BYTES);
  return {
    toServer: opened,
    toClient: wholeFrames(fromServer),
    closeChannels() {
      if (client.destroyed) return;
      for (const channel of channels) server.write(build(channel, ACK, UNKNOWN_TAG, Buffer.of(0)));
    },
    cancelConsumers(prefix) {
      if (client.destroyed) return;
      for (const [channel, { queue, tag }] of consumers) {
        if (!queue.startsWith(prefix)) continue;
        cancelled.add(channel);
        server.write(build(channel, CANCEL, text(tag), Buffer.of(0)));
      }
    },
  };
}

/** Passes on no half frames, so that between two calls another frame can be written. */
function wholeFrames(change: (frame: Buffer) => Buffer, headBytes = 0): (bytes: Buffer) => Buffer {
  let head = headBytes;
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const done: Buffer[] = [];
    const take = (length: number): Buffer => {
      const taken = rest.subarray(0, length);
      rest = rest.subarray(length);
      return taken;
    };
    if (head > 0 && rest.length >= head) {
      done.push(take(head));
      head = 0;
    }
    while (head === 0 && rest.length >= HEADER_BYTES) {
      const length = HEADER_BYTES + rest.readUInt32BE(3) + 1;
      if (rest.length < length) break;
      done.push(change(take(length)));
    }
    return Buffer.concat(done);
  };
}

function parse(frame: Buffer): { readonly method?: string; readonly channel: number; readonly body: Buffer } {
  const channel = frame.readUInt16BE(1);
  const body = frame.subarray(HEADER_BYTES + 4, -1);
  if (frame[0] !== METHOD_FRAME) return { channel, body };
  return {
    method: `${frame.readUInt16BE(HEADER_BYTES)}.${frame.readUInt16BE(HEADER_BYTES + 2)}`,
    channel,
    body,
  };
}

function build(channel: number, method: string, ...args: readonly Buffer[]): Buffer {
  const payload = Buffer.concat([Buffer.alloc(4), ...args]);
  method.split('.').forEach((number, index) => payload.writeUInt16BE(Number(number), 2 * index));
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = METHOD_FRAME;
  header.writeUInt16BE(channel, 1);
  header.writeUInt32BE(payload.length, 3);
  return Buffer.concat([header, payload, Buffer.of(FRAME_END)]);
}

/** A text of at most 255 bytes; the names here are ASCII. */
const text = (value: string): Buffer =>
  Buffer.concat([Buffer.of(value.length), Buffer.from(value, 'latin1')]);
const textAt = (body: Buffer, at: number): string =>
  body.toString('latin1', at + 1, at + 1 + (body[at] ?? 0));
