import { messageOf, type Clock, type Logger, type Random } from '@waggle/kernel';
import type { ConsumeOptions, Delivery, DriverConsumer } from '../driver.ts';
import type { BrokerConnection, Connector } from './connection.ts';
import type { Link } from './link.ts';
import { abortable, pause, reconnectDelayMs, refusedDelayMs, within } from './waiting.ts';

/** After so many ends without a message in between, the next attachment waits. */
const MOST_BARREN = 16;
const BARREN_PAUSE_MS = 2_000;

const late = (): Error => new Error('no answer in time');

/** A consumer of the driver's user, whatever becomes of the connection below it. */
export interface Attachment extends DriverConsumer {
  /** Attaches for the first time, and resolves once attached. */
  attach(connection: BrokerConnection): Promise<void>;
  /** There is another connection. */
  connected(): void;
}

export interface AttachmentOptions {
  readonly link: Link;
  readonly clock: Clock;
  readonly random: Random | undefined;
  readonly logger: Logger;
  readonly translate: Connector['translate'];
  /** How long attaching again may take. */
  readonly requestTimeoutMs: number;
  readonly options: ConsumeOptions;
  readonly deliver: (delivery: Delivery) => void;
  /** Declares what is consumed, as far as this process knows it: it may be gone from the server. */
  readonly declare: (connection: BrokerConnection) => Promise<void>;
  readonly left: (attachment: Attachment) => void;
}

/**
 * Keeps a consumer attached until it is closed: on every new connection, and whenever the server ends it alone. While it is
 * paused it takes nothing, so if it has ended then, it is attached again when it goes on.
 */
export function createAttachment({ link, clock, logger, options, ...given }: AttachmentOptions): Attachment {
  let consumer: DriverConsumer | undefined;
  /** The connection that it is attached to. */
  let attachedTo: BrokerConnection | undefined;
  let times = 0;
  let barren = 0;
  let paused = false;
  let trying = false;
  let closing: Promise<void> | undefined;

  function deliver(delivery: Delivery): void {
    barren = 0;
    if (closing !== undefined) return delivery.release();
    try {
      given.deliver(delivery);
    } catch (error) {
      logger.error('deliver must not throw: the message is handed back', { reason: messageOf(error) });
      delivery.release();
    }
  }

  function missed(count: number): void {
    try {
      options.onMissed?.(count);
    } catch (error) {
      logger.error('onMissed must not throw', { reason: messageOf(error) });
    }
  }

  async function attach(connection: BrokerConnection): Promise<void> {
    const time = ++times;
    let isAttached = false;
    let end: { readonly reason: unknown } | undefined;
    const attachAnew = ({ reason }: { readonly reason: unknown }): void => {
      if (time !== times || closing !== undefined) return;
      logger.warn('a consumer ended; attaching again', { ...options.source, reason: messageOf(reason) });
      barren++;
      attachedTo = undefined;
      void attachAgain();
    };
    const ended = (reason: unknown): void => {
      if (end !== undefined) return;
      end = { reason };
      if (isAttached) attachAnew(end);
    };
    const fresh = await connection.consume({ ...options, onMissed: missed }, deliver, {
      ended,
      previous: consumer,
    });
    // It took too long, and another one is there, or the same by another attempt.
    if (time !== times) return fresh === consumer ? undefined : fresh.close();
    isAttached = true;
    attachedTo = connection;
    consumer = fresh;
    if (closing !== undefined) await fresh.close();
    else if (paused) fresh.pause();
    if (end !== undefined) attachAnew(end);
  }

  async function again(connection: BrokerConnection): Promise<void> {
    await given.declare(connection);
    await attach(connection);
  }

  async function attachAgain(): Promise<void> {
    if (trying) return;
    trying = true;
    for (let failures = 0, refusals = 0; closing === undefined && !paused && !link.closed.aborted;) {
      const connection = link.current;
      if (connection === undefined || connection === attachedTo) break; // a new connection calls again
      if (barren > MOST_BARREN) await pause(clock, BARREN_PAUSE_MS, link.closed);
      try {
        await abortable(
          within(clock, given.requestTimeoutMs, again(connection), late),
          link.lossOf(connection),
        );
        failures = refusals = 0;
      } catch (error) {
        if (link.lossOf(connection).aborted) continue;
        const { code, message: reason } = given.translate(error, 'attaching again');
        refusals = code === 'denied' ? refusals + 1 : 0;
        if (refusals === 0) logger.warn('attaching again failed', { ...options.source, reason });
        else logger.error('a consumer gets nothing: the broker refuses it', { ...options.source, reason });
        const delayMs =
          refusals === 0
            ? reconnectDelayMs(failures++, given.random)
            : refusedDelayMs(refusals, given.random);
        await pause(clock, delayMs, link.lossOf(connection));
      }
    }
    trying = false;
  }

  const attachment: Attachment = {
    attach,
    get isAttached() {
      return attachedTo !== undefined && attachedTo === link.current;
    },
    connected: () => void attachAgain(),
    pause() {
      paused = true;
      consumer?.pause();
    },
    resume() {
      paused = false;
      if (closing !== undefined) return;
      if (attachedTo === link.current) consumer?.resume();
      void attachAgain();
    },
    close() {
      closing ??= Promise.resolve(consumer?.close()).then(() => given.left(attachment));
      return closing;
    },
  };
  return attachment;
}
