import type { MessagingError } from '@waggle/kernel';
import type { DriverSettings, OutgoingMessage } from '@waggle/messaging';
import { createInbox, nuid, type Msg, type MsgHdrs, type Subscription } from 'nats';
import { closedError, type NatsLink } from './nats-connection.ts';
import { fail, JS, translate } from './nats-errors.ts';
import type { NatsTopology } from './nats-topology.ts';
import { encodeHeaders, redriveId, subjectOf } from './nats-wire.ts';

type Outcome = MessagingError | undefined;

/** A publication that the server has not confirmed yet. */
interface Pending {
  readonly subject: string;
  readonly headers: MsgHdrs;
  readonly body: Uint8Array;
  readonly deadline: number;
  readonly settle: (outcome: Outcome) => void;
}

/**
 * Publishes with a reply subject below one shared inbox and matches the confirmations itself: several times as fast as
 * the client's own way. What is unconfirmed when the connection is lost is sent again, in order, after the reconnect;
 * the server drops what it has by its message id.
 */
export class NatsPublisher {
  readonly #link: NatsLink;
  readonly #topology: NatsTopology;
  readonly #settings: DriverSettings;
  /** In the order of publishing, which is also the order of the deadlines. */
  readonly #pending = new Map<string, Pending>();
  readonly #inbox: string;
  #confirmations: Subscription | undefined;
  #count = 0;
  #sweep: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | undefined;

  constructor(link: NatsLink, topology: NatsTopology) {
    this.#link = link;
    this.#topology = topology;
    this.#settings = link.settings;
    this.#inbox = createInbox(link.inboxPrefix);
    link.listen({
      restored: () => {
        this.#subscribe();
        this.#pending.forEach((each, token) => this.#send(token, each));
      },
      denied: (subject) => this.#deny(subject),
    });
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    const unknown = messages.some(({ to }) => to.kind === 'group')
      ? await this.#unknownGroups(messages)
      : undefined;
    const outcomes: Outcome[] = Array.from(messages, () => undefined);
    const { promise, resolve } = Promise.withResolvers<readonly Outcome[]>();
    let left = messages.length;
    if (left === 0) resolve(outcomes);
    messages.forEach((message, index) => {
      const settle = (outcome: Outcome): void => {
        outcomes[index] = outcome;
        if (--left === 0) resolve(outcomes);
      };
      const refused = message.to.kind === 'group' ? unknown?.get(message.to.group) : undefined;
      if (refused === undefined) this.#accept(message, settle);
      else settle(refused);
    });
    return promise;
  }

  /** Waits for what is unconfirmed, at most until its deadlines. */
  async flush(): Promise<void> {
    if (this.#link.up === undefined) this.#failAll(() => closedError());
    if (this.#pending.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    clearInterval(this.#sweep);
  }

  #accept(message: OutgoingMessage, settle: (outcome: Outcome) => void): void {
    const { maxMessageBytes, namespace, lanes, requestTimeoutMs } = this.#settings;
    try {
      const size = message.body.byteLength;
      if (size > maxMessageBytes)
        throw fail('too-large', `${size} bytes are more than the limit of ${maxMessageBytes}`);
      const id = message.to.kind === 'group' ? redriveId(message.id, nuid.next()) : message.id;
      const pending: Pending = {
        subject: subjectOf(namespace, lanes, message),
        headers: encodeHeaders(message, id),
        body: message.body,
        deadline: Date.now() + requestTimeoutMs,
        settle,
      };
      this.#subscribe();
      const token = (++this.#count).toString(36);
      this.#pending.set(token, pending);
      this.#sweep ??= setInterval(
        () => this.#expire(),
        Math.min(Math.max(requestTimeoutMs / 20, 10), 500),
      ).unref();
      this.#send(token, pending);
    } catch (error) {
      settle(translate(error, `cannot publish ${message.type}`));
    }
  }

  /** Without a connection it waits: the client's own buffer would be emptied by the reconnect. */
  #send(token: string, { subject, body, headers }: Pending): void {
    try {
      this.#link.up?.publish(subject, body, { reply: `${this.#inbox}.${token}`, headers });
    } catch (error) {
      this.#settle(token, translate(error, `cannot publish to ${subject}`));
    }
  }

  #subscribe(): void {
    if (this.#confirmations !== undefined) return;
    this.#confirmations = this.#link.up?.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#confirm(msg);
        else this.#failAll(() => translate(error, 'cannot receive confirmations'));
        if (error !== null) this.#confirmations = undefined;
      },
    });
  }

  #confirm(msg: Msg): void {
    const token = msg.subject.slice(this.#inbox.length + 1);
    const subject = this.#pending.get(token)?.subject ?? '';
    const answer = decoder.decode(msg.data);
    if (answer.startsWith('{"stream"')) return this.#settle(token, undefined);
    if (answer === '')
      return this.#settle(token, fail('unroutable', `nothing stores ${subject}: declare it first`));
    this.#settle(token, refusal(answer, subject));
  }

  #settle(token: string, outcome: Outcome): void {
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    this.#pending.delete(token);
    pending.settle(outcome);
    if (this.#pending.size === 0) this.#onIdle?.();
  }

  #expire(): void {
    const now = Date.now();
    for (const [token, { deadline, subject }] of this.#pending) {
      if (deadline > now) return;
      const connected = this.#link.up !== undefined;
      const what = connected ? 'no confirmation' : 'no connection';
      const error = fail(
        connected ? 'timeout' : 'unavailable',
        `${what} within ${this.#settings.requestTimeoutMs} ms for ${subject}`,
      );
      this.#settle(token, error);
    }
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #deny(subject: string): void {
    for (const [token, pending] of this.#pending) {
      if (pending.subject === subject)
        this.#settle(token, fail('denied', `the server does not allow to publish to ${subject}`));
    }
  }

  #failAll(error: () => MessagingError): void {
    for (const token of [...this.#pending.keys()]) this.#settle(token, error());
  }

  /** The server stores for any group: whether there is such a one is asked before. */
  async #unknownGroups(messages: readonly OutgoingMessage[]): Promise<ReadonlyMap<string, MessagingError>> {
    const groups = new Set(messages.flatMap(({ to }) => (to.kind === 'group' ? [to.group] : [])));
    const problems = new Map<string, MessagingError>();
    await Promise.all(
      [...groups].map(async (group) => {
        try {
          if (!(await this.#topology.knowsGroup(group)))
            problems.set(group, fail('unroutable', `there is no group ${group}`));
        } catch (error) {
          problems.set(group, translate(error, `group ${group}`));
        }
      }),
    );
    return problems;
  }
}

const decoder = new TextDecoder();

/** Codec of a confirmation that is none: `{"error":{"code":…,"err_code":…,"description":…}}`. */
function refusal(answer: string, subject: string): Outcome {
  let error: { err_code?: number; description?: string } | undefined;
  try {
    ({ error } = JSON.parse(answer) as { error?: typeof error });
  } catch {
    error = { description: 'the answer is not one of JetStream' };
  }
  if (error === undefined) return undefined;
  const code = error.err_code === JS.messageTooLarge ? 'too-large' : 'unavailable';
  return fail(code, `the server did not store ${subject}: ${error.description ?? 'no reason given'}`);
}
