import { MessagingError } from '@waggle/kernel';
import type { BrokerDriver, LogEntry, LogPosition, OutgoingMessage, ReadLogOptions } from '@waggle/messaging';
import { override } from '../suite/pass-through.ts';
import type { BrokenDriver } from './broken-driver.ts';

type Declare = BrokerDriver['declare'];

const isCode = (error: unknown, code: string): boolean =>
  error instanceof MessagingError && error.code === code;
const nameOf = (source: object): string => JSON.stringify(source);

export const beginsOneLate: BrokenDriver = {
  name: 'begins one late behind a cursor',
  plant: () => (driver) => {
    const behind = async (from: LogPosition): Promise<LogPosition> => {
      if (typeof from === 'string') return from;
      for await (const { position } of driver.read({ kind: 'stream' }, { from, follow: false })) {
        return { after: position };
      }
      return from;
    };
    return override(driver, {
      async declare({ groups = [], ...rest }) {
        const late = await Promise.all(
          groups.map(async (group) => ({ ...group, from: await behind(group.from) })),
        );
        await driver.declare({ ...rest, groups: late });
      },
    });
  },
  caughtBy: ['K1', 'K4'],
};

export const repeatsTheCursor: BrokenDriver = {
  name: 'reads again what stands at the cursor',
  plant: () => (driver) => {
    async function* read(source: Parameters<BrokerDriver['read']>[0], options: ReadLogOptions) {
      const { from } = options;
      if (typeof from === 'object') {
        const all = driver.read(source, { from: 'beginning', follow: false });
        for await (const entry of all) if (entry.position === from.after) yield entry;
      }
      yield* driver.read(source, options);
    }
    return override(driver, { read });
  },
  caughtBy: ['K2'],
};

export const takesAnyCursor: BrokenDriver = {
  name: 'takes a cursor that is gone or ahead for what is new',
  plant: () => (driver) => {
    const anew: Declare = async (topology) => {
      try {
        await driver.declare(topology);
      } catch (error) {
        if (!isCode(error, 'out-of-range')) throw error;
        const groups = (topology.groups ?? []).map((group) => ({ ...group, from: 'new' as const }));
        await driver.declare({ ...topology, groups });
      }
    };
    return override(driver, { declare: anew });
  },
  caughtBy: ['K4', 'K5'],
};

export const skipsWhenOvertaken: BrokenDriver = {
  name: 'lets a reader that was overtaken go on at what is kept',
  plant: () => (driver) => {
    async function* read(
      source: Parameters<BrokerDriver['read']>[0],
      options: ReadLogOptions,
    ): AsyncGenerator<LogEntry> {
      let count = 0;
      try {
        for await (const entry of driver.read(source, options)) {
          count++;
          yield entry;
        }
      } catch (error) {
        if (count === 0 || !isCode(error, 'out-of-range')) throw error;
        yield* read(source, { ...options, from: 'beginning' });
      }
    }
    return override(driver, { read });
  },
  caughtBy: ['K5'],
};

export const endsAtTheHead: BrokenDriver = {
  name: 'ends a reader that follows when there is nothing more',
  plant: () => (driver) =>
    override(driver, {
      read: (source, options) =>
        driver.read(source, { ...options, follow: options.follow && source.kind !== 'stream' }),
    }),
  caughtBy: ['D3', 'H1', 'K2', 'K5'],
};

export const endsOneEarly: BrokenDriver = {
  name: 'ends a reader that does not follow one entry early',
  plant: () => (driver) => {
    async function* read(source: Parameters<BrokerDriver['read']>[0], options: ReadLogOptions) {
      let held: LogEntry | undefined;
      for await (const entry of driver.read(source, options)) {
        if (held !== undefined) yield held;
        held = entry;
        if (options.follow || source.kind !== 'stream') {
          yield held;
          held = undefined;
        }
      }
    }
    return override(driver, { read });
  },
  caughtBy: [
    'A1',
    'B2',
    'C1',
    'C2',
    'C3',
    'C4',
    'C5',
    'C7',
    'D4',
    'F6',
    'F8',
    'H5',
    'I3',
    'I6',
    'J1',
    'J3',
    'K1',
    'K2',
    'K4',
    'K5',
    'K6',
    'K7',
    'Q1',
    'Q5',
  ],
};

export const isSilentAboutWhatWasSkipped: BrokenDriver = {
  name: 'does not tell what a group skipped',
  plant: () => (driver) =>
    override(driver, {
      consume: ({ source, ordering, concurrency }, deliver) =>
        driver.consume({ source, ordering, concurrency }, deliver),
    }),
  caughtBy: ['K7'],
};

export const countsSkippedTwice: BrokenDriver = {
  name: 'tells twice what a group skipped',
  plant: () => (driver) =>
    override(driver, {
      consume: (options, deliver) =>
        driver.consume({ ...options, onMissed: (count) => options.onMissed?.(2 * count) }, deliver),
    }),
  caughtBy: ['K7'],
};

export const removesWhatIsInUse: BrokenDriver = {
  name: 'says that it removed what is in use',
  plant: () => (driver) =>
    override(driver, {
      async declare(topology) {
        try {
          await driver.declare(topology);
        } catch (error) {
          if (topology.absent === undefined || !isCode(error, 'conflict')) throw error;
        }
      },
    }),
  caughtBy: ['K4', 'K8'],
};

export const removesNothing: BrokenDriver = {
  name: 'removes nothing',
  plant: () => (driver) => override(driver, { declare: ({ absent: _, ...rest }) => driver.declare(rest) }),
  caughtBy: ['K4', 'K8', 'Q5'],
};

export const removesBeforeItKnows: BrokenDriver = {
  name: 'removes a group before it knows where it begins again',
  plant: () => (driver) =>
    override(driver, {
      async declare({ absent = [], ...rest }) {
        if (absent.length > 0) await driver.declare({ absent });
        await driver.declare(rest);
      },
    }),
  caughtBy: ['K4'],
};

export const keepsRedriven: BrokenDriver = {
  name: 'gives a group that was reset what was redriven to it before',
  plant() {
    const redriven: OutgoingMessage[] = [];
    return (driver) =>
      override(driver, {
        publish(messages) {
          redriven.push(...messages.filter(({ to }) => to.kind === 'group'));
          return driver.publish(messages);
        },
        async declare(topology) {
          await driver.declare(topology);
          const gone = new Set(topology.absent?.map(nameOf));
          const again = redriven.filter(({ to }) => gone.has(nameOf(to)));
          if (again.length > 0) await driver.publish(again);
        },
      });
  },
  caughtBy: ['K4'],
};

export const showsOnlyItsOwn: BrokenDriver = {
  name: 'describes only the groups and queues that it declared itself',
  plant: () => (driver) => {
    const own = new Set<string>();
    return override(driver, {
      async declare(topology) {
        await driver.declare(topology);
        for (const { group } of topology.groups ?? []) own.add(nameOf({ kind: 'group', group }));
        for (const context of topology.queues ?? []) own.add(nameOf({ kind: 'queue', context }));
      },
      async describe() {
        const all = await driver.describe();
        return all.filter(({ consumption }) => !consumption || own.has(nameOf(consumption.source)));
      },
    });
  },
  caughtBy: ['K4', 'K8'],
};

export const keepsTooMuch: BrokenDriver = {
  name: 'shows what the retention has discarded',
  plant() {
    const published = new Map<string, OutgoingMessage[]>();
    return (driver, { namespace }) => {
      const all = published.get(namespace) ?? [];
      published.set(namespace, all);
      async function* read(source: Parameters<BrokerDriver['read']>[0], options: ReadLogOptions) {
        const entries: LogEntry[] = [];
        if (source.kind === 'stream' && options.from === 'beginning' && !options.follow) {
          for await (const entry of driver.read(source, options)) entries.push(entry);
          const kept = new Set(entries.map(({ message: { id } }) => id));
          for (const message of all) if (!kept.has(message.id)) yield { message, position: 'gone' };
          yield* entries;
        } else yield* driver.read(source, options);
      }
      return override(driver, {
        async publish(messages) {
          const outcomes = await driver.publish(messages);
          all.push(...messages.filter(({ to }, at) => to.kind === 'stream' && outcomes[at] === undefined));
          return outcomes;
        },
        read,
      });
    };
  },
  caughtBy: ['K6'],
};
