import type { ConsumerGroups, GroupState } from '@waggle/kernel';
import { checkGroup, checkName, MessagingError } from '@waggle/kernel';
import type { BrokerDriver, ConsumeOptions, Consumption } from './driver.ts';
import { nameOf } from './kit/source.ts';

type Source = ConsumeOptions['source'];

export function createConsumerGroups(driver: BrokerDriver): ConsumerGroups {
  async function consumptions(): Promise<readonly Consumption[]> {
    return (await driver.describe()).flatMap(({ consumption }) => consumption ?? []);
  }

  async function find(source: Source): Promise<Consumption> {
    const [kind, name] = [source.kind, nameOf(source)];
    const found = (await consumptions()).find(
      (each) => each.source.kind === kind && nameOf(each.source) === name,
    );
    if (found !== undefined) return found;
    throw new MessagingError('unroutable', `there is no ${kind} "${name}": list() tells what there is`);
  }

  return {
    async list() {
      const states = (await consumptions()).map(stateOf);
      return states.toSorted((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name));
    },
    async reset(group, from) {
      checkGroup(group);
      const source = { kind: 'group', group } as const;
      const { types, ordering } = await find(source);
      await driver.declare({ absent: [source], groups: [{ group, types, ordering, from }] });
    },
    async delete({ kind, name }) {
      const source = sourceOf(kind, name);
      await find(source);
      await driver.declare({ absent: [source] });
    },
  };
}

/** @throws MessagingError `invalid` */
function sourceOf(kind: GroupState['kind'], name: string): Source {
  if (kind === 'group') {
    checkGroup(name);
    return { kind, group: name };
  }
  checkName('queue', name);
  return { kind, context: name };
}

function stateOf({ source, ordering, types, lag, inUse }: Consumption): GroupState {
  return { kind: source.kind, name: nameOf(source), ordering, types, lag, inUse };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
