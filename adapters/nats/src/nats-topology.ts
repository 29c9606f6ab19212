import type {
  DriverSettings,
  GroupDeclaration,
  LogPosition,
  Topology,
  TopologyResource,
} from '@waggle/messaging';
import {
  AckPolicy,
  DeliverPolicy,
  nanos,
  ReplayPolicy,
  RetentionPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  type NatsConnection,
} from 'nats';
import type { NatsLink } from './nats-connection.ts';
import { fail, isMissing, translate } from './nats-errors.ts';
import { ensureStream } from './nats-streams.ts';
import {
  deadPlace,
  eventsPlace,
  groupLines,
  queueLines,
  queuePlace,
  type Line,
  type Place,
} from './nats-wire.ts';

type Start = Pick<ConsumerConfig, 'deliver_policy' | 'opt_start_seq' | 'opt_start_time'>;
type SourceOfLines = { kind: 'group'; group: string } | { kind: 'queue'; context: string };

/** A message that waits for its retry stays in the server's pending count: a margin far above any concurrency. */
const UNORDERED_PENDING = 65_536;
const UNORDERED_WAITING_PULLS = 2048;
const DELETION_MS = 250;

/** Streams and consumers on the server. Whatever exists already is a success, unless it differs. */
export class NatsTopology {
  readonly #link: NatsLink;
  readonly #settings: DriverSettings;

  constructor(link: NatsLink) {
    this.#link = link;
    this.#settings = link.settings;
  }

  /** Checks the server, and declares the stream and the dead letters. */
  async open(connection: NatsConnection): Promise<void> {
    const { namespace: ns, maxMessageBytes, logger } = this.#settings;
    const version = connection.info?.version ?? '0';
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major < 2 || (major === 2 && minor < 9)) {
      throw fail('invalid', `the server is version ${version}: Waggle needs 2.9 or newer`);
    }
    const room = (connection.info?.max_payload ?? 0) - maxMessageBytes;
    const advice = `raise max_payload in the server's configuration above ${maxMessageBytes}, as it counts headers too`;
    if (room < 0)
      throw fail('invalid', `the server takes no more than ${maxMessageBytes + room} bytes: ${advice}`);
    if (room < 1024) logger.warn(`the largest messages will be refused: ${advice}`);
    await this.#askServer();
    const { maxAgeMs, maxBytes } = this.#settings.retention;
    const log = {
      retention: RetentionPolicy.Limits,
      max_age: Number.isFinite(maxAgeMs) ? nanos(maxAgeMs) : 0,
      max_bytes: Number.isFinite(maxBytes) ? maxBytes : -1,
    };
    await Promise.all([
      ensureStream(this.#link, eventsPlace(ns), log),
      ensureStream(this.#link, deadPlace(ns), log),
    ]);
  }

  async declare({ queues = [], groups = [] }: Topology): Promise<void> {
    await Promise.all([
      ...queues.map((context) => this.#declareQueue(context)),
      ...groups.map((group) => this.#declareGroup(group)),
    ]);
  }

  lines(source: SourceOfLines, ordering: 'by-key' | 'none'): readonly Line[] {
    const { namespace, lanes } = this.#settings;
    return source.kind === 'queue'
      ? queueLines(namespace, lanes, source.context)
      : groupLines(namespace, lanes, source.group, ordering);
  }

  /** What the server says of a line; `undefined` if there is no such consumer, or no such stream. */
  async info({ stream, durable }: Pick<Line, 'stream' | 'durable'>): Promise<ConsumerInfo | undefined> {
    try {
      return await this.#link.api(`consumer ${durable} of ${stream}`, (api) =>
        api.consumers.info(stream, durable),
      );
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Whether the lane of a group exists: the one that takes it in, or the one of a group without order. */
  async knowsGroup(group: string): Promise<boolean> {
    const candidates = [...this.lines({ kind: 'group', group }, 'none'), ...this.#firstLane(group)];
    return (await Promise.all(candidates.map((line) => this.info(line)))).some((info) => info !== undefined);
  }

  /** Creates a consumer that somebody deleted, so that it goes on behind `floor`; `false` if it is there. A queue's messages tell by themselves. */
  async recreate(line: Line, floor: number): Promise<boolean> {
    if ((await this.info(line)) !== undefined) return false;
    // The server announces a deletion before it has removed the files: what is made at once would find the old state.
    await new Promise((resolve) => setTimeout(resolve, DELETION_MS));
    if ((await this.info(line)) !== undefined) return false;
    const isQueue = line.stream !== eventsPlace(this.#settings.namespace).stream;
    await this.#create(line, isQueue ? { deliver_policy: DeliverPolicy.All } : startAfter(floor));
    return true;
  }

  async lag(source: SourceOfLines): Promise<number> {
    const lines = [
      ...this.lines(source, 'by-key'),
      ...(source.kind === 'group' ? this.lines(source, 'none') : []),
    ];
    const infos = (await Promise.all(lines.map((line) => this.info(line)))).filter(
      (info) => info !== undefined,
    );
    if (infos.length === 0) throw undeclared(source);
    return infos.reduce((sum, info) => sum + info.num_pending + info.num_ack_pending, 0);
  }

  /** First and last position of a log. An empty one has its first behind its last. */
  async bounds({ stream }: Place): Promise<{ first: number; last: number }> {
    const { state } = await this.#link.api(`stream ${stream}`, (api) => api.streams.info(stream));
    return { first: state.messages === 0 ? state.last_seq + 1 : state.first_seq, last: state.last_seq };
  }

  /** The position behind `from`. @throws MessagingError `out-of-range`, `invalid` */
  async start(place: Place, from: LogPosition): Promise<{ next: number; last: number }> {
    const { first, last } = await this.bounds(place);
    if (from === 'beginning') return { next: first, last };
    if (from === 'new') return { next: last + 1, last };
    if (!/^[0-9]{1,15}$/.test(from.after))
      throw fail('invalid', `"${from.after}" is not a position of this broker`);
    const position = Number(from.after);
    if (position >= first && position <= last) return { next: position + 1, last };
    throw fail(
      'out-of-range',
      `${place.stream} has ${first} to ${last}, and not ${position}: begin elsewhere`,
    );
  }

  async describe(): Promise<readonly TopologyResource[]> {
    const prefix = `${this.#settings.namespace}_`;
    return this.#link.api('describe', async (api) => {
      const resources: TopologyResource[] = [];
      for await (const { config, state } of api.streams.list(`${this.#settings.namespace}.>`)) {
        if (!config.name.startsWith(prefix)) continue;
        const { messages, bytes, first_seq: first, last_seq: last } = state;
        const details = { description: config.description ?? '', messages, bytes, first, last };
        resources.push({ kind: 'stream', name: config.name, details });
        for await (const consumer of api.consumers.list(config.name))
          resources.push(describeConsumer(consumer));
      }
      return resources;
    });
  }

  async #askServer(): Promise<void> {
    try {
      await this.#link.api('JetStream', (api) => api.getAccountInfo());
    } catch (error) {
      const problem = translate(error, 'JetStream');
      if (problem.code !== 'unavailable') throw problem;
      throw fail(
        'invalid',
        'JetStream does not answer: start the server with --jetstream, or enable it in its configuration',
        error,
      );
    }
  }

  async #declareQueue(context: string): Promise<void> {
    const work = { retention: RetentionPolicy.Workqueue, max_age: 0, max_bytes: -1 };
    await ensureStream(this.#link, queuePlace(this.#settings.namespace, context), work);
    await this.#ensureLines(this.lines({ kind: 'queue', context }, 'by-key'), async () => ({
      deliver_policy: DeliverPolicy.All,
    }));
  }

  async #declareGroup({ group, from, ordering }: GroupDeclaration): Promise<void> {
    const others =
      ordering === 'none' ? this.#firstLane(group) : this.lines({ kind: 'group', group }, 'none');
    const other = (await Promise.all(others.map((line) => this.info(line)))).some(
      (info) => info !== undefined,
    );
    if (other) {
      const theirs = ordering === 'none' ? 'by-key' : 'none';
      throw fail(
        'conflict',
        `group ${group} exists with ordering "${theirs}" and was declared with "${ordering}": name the handler anew`,
      );
    }
    await this.#ensureLines(this.lines({ kind: 'group', group }, ordering), async () => {
      if (from === 'beginning') return { deliver_policy: DeliverPolicy.All };
      if (from === 'new') return { deliver_policy: DeliverPolicy.New };
      const { next } = await this.start(eventsPlace(this.#settings.namespace), from);
      return startAfter(next - 1);
    });
  }

  #firstLane(group: string): readonly Line[] {
    return this.lines({ kind: 'group', group }, 'by-key').slice(0, 1);
  }

  async #ensureLines(lines: readonly Line[], start: () => Promise<Start>): Promise<void> {
    const found = await Promise.all(lines.map(async (line) => ({ line, info: await this.info(line) })));
    const missing = found.filter(({ info }) => info === undefined);
    await Promise.all(
      found.flatMap(({ line, info }) => (info === undefined ? [] : [this.#compare(line, info)])),
    );
    if (missing.length === 0) return;
    // Where some lanes of a group exist, the rest begins where they did: twice rather than never.
    const sibling = found.find(({ info }) => info !== undefined)?.info;
    const from = sibling === undefined ? await start() : startOf(sibling);
    await Promise.all(missing.map(({ line }) => this.#create(line, from)));
  }

  async #create(line: Line, start: Start): Promise<void> {
    const config = { ...this.#consumerConfig(line), ...start };
    try {
      await this.#link.api(`consumer ${line.durable}`, (api) => api.consumers.add(line.stream, config));
    } catch (error) {
      // Somebody else was faster, with a start that differs by a moment.
      const existing = await this.info(line);
      if (existing === undefined) throw error;
      await this.#compare(line, existing);
    }
  }

  #consumerConfig({ durable, filter, ordered }: Line): Partial<ConsumerConfig> {
    return {
      durable_name: durable,
      filter_subject: filter,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(this.#settings.leaseMs),
      max_deliver: -1,
      max_ack_pending: ordered ? 1 : UNORDERED_PENDING,
      replay_policy: ReplayPolicy.Instant,
      ...(ordered ? {} : { max_waiting: UNORDERED_WAITING_PULLS }),
    };
  }

  async #compare(line: Line, { config }: ConsumerInfo): Promise<void> {
    const wanted = this.#consumerConfig(line);
    if (config.filter_subject !== line.filter || config.ack_policy !== AckPolicy.Explicit) {
      throw fail(
        'conflict',
        `consumer ${line.durable} of ${line.stream} has the filter "${config.filter_subject ?? ''}" and not "${line.filter}"`,
      );
    }
    if (config.ack_wait === wanted.ack_wait && config.max_ack_pending === wanted.max_ack_pending) return;
    this.#settings.logger.warn('a consumer on NATS had another lease or limit; changed it', {
      consumer: line.durable,
    });
    const { ack_wait = 0, max_ack_pending = 0 } = wanted;
    await this.#link.api(`consumer ${line.durable}`, (api) =>
      api.consumers.update(line.stream, line.durable, { ack_wait, max_ack_pending }),
    );
  }
}

export function undeclared(source: SourceOfLines): Error {
  const name = source.kind === 'queue' ? `queue ${source.context}` : `group ${source.group}`;
  return fail('invalid', `there is no ${name}: declare it first`);
}

function describeConsumer({ stream_name: stream, name, config, ...state }: ConsumerInfo): TopologyResource {
  return {
    kind: 'consumer',
    name: `${stream}/${name}`,
    details: {
      filter: config.filter_subject ?? '',
      pending: state.num_pending,
      unsettled: state.num_ack_pending,
      redelivered: state.num_redelivered,
      waitingPulls: state.num_waiting,
    },
  };
}

const startAfter = (position: number): Start => ({
  deliver_policy: DeliverPolicy.StartSequence,
  opt_start_seq: position + 1,
});

function startOf({ config, created }: ConsumerInfo): Start {
  if (config.deliver_policy === DeliverPolicy.StartSequence && config.opt_start_seq !== undefined) {
    return startAfter(config.opt_start_seq - 1);
  }
  if (config.deliver_policy === DeliverPolicy.All) return { deliver_policy: DeliverPolicy.All };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: created };
}
