import type { BrokerConnection, OutgoingMessage, Outcome } from '@waggle/messaging';
import { createInbox, nuid, type Msg } from 'nats';
import type { NatsLink } from './nats-connection.ts';
import { fail, translate } from './nats-errors.ts';
import { encodeHeaders, redriveId } from './nats-message.ts';
import { subjectOf } from './nats-names.ts';
import { lagOf } from './nats-groups.ts';

type Confirm = (outcome: Outcome) => void;

interface Publication {
  readonly subject: string;
  readonly confirm: Confirm;
  readonly sentAt: number;
}

/** What was given up meanwhile, since the server never answered, is forgotten each time that so many were sent. */
const SWEEP_EVERY = 256;

/** Of what may have to be sent again, on whatever connection: the server drops what it has by its id. */
const redriveIds = new WeakMap<OutgoingMessage, string>();

/**
 * Publishes with a reply subject below one shared inbox and matches the confirmations itself: several times as fast as
 * the client's own way. Tells when the connection is `lost`, before the client rejects what was asked.
 */
export function createPublisher(
  link: NatsLink,
  lost: (reason: unknown) => void,
): BrokerConnection['publish'] {
  const { client, settings, options } = link;
  const inbox = createInbox(options.connection?.inboxPrefix);
  /** What the server has not confirmed yet. */
  const pending = new Map<string, Publication>();
  /** Groups that are asked for at this moment. */
  const asking = new Map<string, Promise<number>>();
  let count = 0;

  const confirmations = client.subscribe(`${inbox}.*`, {
    callback(error, msg) {
      const publication = error === null ? settle(msg.subject.slice(inbox.length + 1)) : undefined;
      publication?.confirm(outcomeOf(msg, publication.subject));
    },
  });
  void confirmations.closed.then(() => lost(fail('unavailable', 'the connection ended')));
  link.refusals.add((subject) => {
    const denied = fail('denied', `the server does not allow to publish to ${subject}`);
    for (const [token, publication] of pending) {
      if (publication.subject === subject) settle(token)?.confirm(denied);
    }
  });

  function settle(token: string) {
    const publication = pending.get(token);
    pending.delete(token);
    return publication;
  }

  function send(message: OutgoingMessage, id: string, confirm: Confirm): void {
    if (client.isClosed()) return; // sent again when that is known
    const subject = subjectOf(settings.namespace, message);
    const token = (++count).toString(36);
    const headers = encodeHeaders(message, id);
    client.publish(subject, message.body, { reply: `${inbox}.${token}`, headers });
    const sentAt = Date.now();
    if (count % SWEEP_EVERY === 0) forget(sentAt - 2 * settings.requestTimeoutMs);
    pending.set(token, { subject, confirm, sentAt });
  }

  /** The oldest come first. */
  function forget(beforeMs: number): void {
    for (const [token, { sentAt }] of pending) {
      if (sentAt >= beforeMs) return;
      pending.delete(token);
    }
  }

  /** The server stores for any group: whether there is such a one is asked before. */
  function redrive(message: OutgoingMessage, group: string, confirm: Confirm): void {
    const id = redriveIds.get(message) ?? redriveId(message.id, nuid.next());
    redriveIds.set(message, id);
    const asked =
      asking.get(group) ?? lagOf(link, { kind: 'group', group }).finally(() => asking.delete(group));
    asking.set(group, asked);
    asked
      .then(() => send(message, id, confirm))
      .catch((error: unknown) => confirm(translate(error, `redriving to ${group}`)));
  }

  return (message, confirm) => {
    if (message.to.kind === 'group') redrive(message, message.to.group, confirm);
    else send(message, message.id, confirm);
  };
}

const CONFIRMATION = new TextEncoder().encode('{"stream"');

/** A confirmation is told by its first bytes: decoding each would cost as much as sending it. */
function outcomeOf(msg: Msg, subject: string): Outcome {
  if (CONFIRMATION.every((byte, index) => msg.data[index] === byte)) return undefined;
  const answer = msg.string();
  if (answer === '') return fail('unroutable', `nothing stores ${subject}: declare it first`);
  const code = answer.includes('"err_code":10054') ? 'too-large' : 'unavailable';
  return fail(code, `the server did not store ${subject}: ${answer}`);
}
