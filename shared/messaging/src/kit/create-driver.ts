import { MessagingError } from '@waggle/kernel';
import type { BrokerDriver, ConsumeOptions, DriverSettings, GroupDeclaration, Topology } from '../driver.ts';
import { wakefulClock } from '../system.ts';
import { createAttachment, type Attachment } from './attachment.ts';
import { checkConsume, checkSettings, checkTopology, faultOf } from './check.ts';
import type { BrokerConnection, Connector, Outcome } from './connection.ts';
import { createLink } from './link.ts';
import { readLog } from './log-reader.ts';
import { createOutbound } from './outbound.ts';
import { titleOf } from './source.ts';
import { within } from './waiting.ts';

/**
 * A driver over single connections: the life cycle, reconnecting, deadlines, the checks of what is asked, sending and
 * attaching again, and reading on are the same for every broker, and here.
 */
export function createDriver(settings: DriverSettings, connector: Connector): BrokerDriver {
  const { requestTimeoutMs, logger } = settings;
  const { clock = wakefulClock } = connector;
  const attachments = new Set<Attachment>();
  const groups = new Map<string, GroupDeclaration>();
  const queues = new Set<string>();
  /** Readers that look for their place: what is published afterwards waits for them. */
  const locating = new Set<Promise<void>>();
  let closing: Promise<void> | undefined;
  let releaseCounts = false;

  const link = createLink(settings, connector, clock, {
    connected(connection) {
      releaseCounts = connection.releaseCounts ?? false;
      for (const attachment of attachments) attachment.connected();
      outbound.flush();
    },
    unblocked: () => outbound.flush(),
    lost: () => outbound.lost(),
  });
  const outbound = createOutbound(settings, connector, clock, link);

  const closed = (): MessagingError => {
    const why =
      link.status === 'new' && closing === undefined ? 'is not open yet: open() it first' : 'was closed';
    return new MessagingError('closed', `[${connector.name}] the driver ${why}`);
  };
  const demandOpen = (): void => {
    if (closing !== undefined || link.status === 'new') throw closed();
  };

  /** What this process knows of a source; what it never declared, another has to. */
  async function declareAgain(source: ConsumeOptions['source'], connection: BrokerConnection): Promise<void> {
    const declaration = source.kind === 'group' ? groups.get(source.group) : undefined;
    if (declaration !== undefined)
      await connection.declare({ queues: [], groups: [declaration], absent: [] });
    else if (source.kind === 'queue' && queues.has(source.context)) {
      await connection.declare({ queues: [source.context], groups: [], absent: [] });
    }
  }

  async function publish(messages: Parameters<BrokerDriver['publish']>[0]): Promise<readonly Outcome[]> {
    if (closing !== undefined || link.status === 'new') return messages.map(closed);
    if (locating.size > 0) await Promise.all(locating);
    if (closing !== undefined) return messages.map(closed);
    const faults = messages.map((message) => faultOf(message, settings, connector));
    if (faults.every((fault) => fault === undefined)) return outbound.publish(messages);
    const outcomes = await outbound.publish(messages.filter((_, index) => faults[index] === undefined));
    let next = 0;
    return faults.map((fault) => fault ?? outcomes[next++]);
  }

  async function close(): Promise<void> {
    const soon = (work: Promise<unknown>): Promise<unknown> =>
      within(clock, requestTimeoutMs, work, closed).catch(() => undefined);
    await soon(Promise.all([...attachments].map((each) => each.close())));
    await outbound.finish();
    await soon(link.close());
  }

  return {
    get status() {
      return closing === undefined ? link.status : 'closed';
    },
    get releaseCounts() {
      return releaseCounts;
    },
    async open(options) {
      if (closing !== undefined) throw closed();
      checkSettings(settings);
      await link.open(options);
    },
    async declare({ queues: askedQueues = [], groups: askedGroups = [], absent = [] }: Topology) {
      demandOpen();
      const topology = { queues: askedQueues, groups: askedGroups, absent };
      checkTopology(topology, settings);
      await link.ask('declaring', (connection) => connection.declare(topology));
      for (const source of absent) {
        if (source.kind === 'group') groups.delete(source.group);
        else queues.delete(source.context);
      }
      for (const context of askedQueues) queues.add(context);
      for (const declaration of askedGroups) groups.set(declaration.group, declaration);
    },
    publish,
    async consume(asked, deliver) {
      demandOpen();
      checkConsume(asked);
      const options: ConsumeOptions =
        asked.source.kind === 'queue' ? { ...asked, ordering: 'by-key' } : asked;
      const { source, ordering } = options;
      const declared = source.kind === 'group' ? groups.get(source.group)?.ordering : ordering;
      if (declared !== undefined && declared !== ordering) throw differs(options, declared);
      const attachment = createAttachment({
        link,
        clock,
        random: connector.random,
        translate: connector.translate,
        logger,
        requestTimeoutMs,
        options,
        deliver,
        declare: (connection) => declareAgain(source, connection),
        left: (left) => attachments.delete(left),
      });
      try {
        await link.ask('consuming', (connection) => attachment.attach(connection));
      } catch (error) {
        await attachment.close();
        throw error;
      }
      if (closing !== undefined) {
        await attachment.close();
        throw closed();
      }
      attachments.add(attachment);
      attachment.connected(); // the connection may have been lost in between
      return attachment;
    },
    async *read({ kind }, options) {
      demandOpen();
      const { promise, resolve } = Promise.withResolvers<void>();
      const located = (): void => {
        locating.delete(promise);
        resolve();
      };
      if (kind === 'stream' && options.from === 'new') locating.add(promise);
      try {
        yield* readLog(link, settings, connector, kind, options, located);
      } finally {
        located();
      }
    },
    async lag(source) {
      demandOpen();
      return link.ask('counting', (connection) => connection.lag(source));
    },
    async describe() {
      demandOpen();
      return link.ask('describing', (connection) => connection.describe());
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function differs({ source, ordering }: ConsumeOptions, declared: ConsumeOptions['ordering']): MessagingError {
  const difference = `was declared with ordering "${declared}", and is consumed with "${ordering}"`;
  return new MessagingError('conflict', `${titleOf(source)} ${difference}: use one of them`);
}
