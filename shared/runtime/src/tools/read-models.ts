import { MessagingError } from '@waggle/kernel';
import { createMessaging, randomIds, systemClock } from '@waggle/messaging';
import type { Surroundings } from '../configure.ts';
import { configure } from '../configure.ts';
import type { ReadModelState, RunningReadModels } from '../read-models.ts';
import { wire } from '../wiring.ts';
import type { OpenStore } from './store.ts';
import { withStore } from './store.ts';
import type { Status, Terminal, Tool } from './tool.ts';
import { choose, parseWords, printable, UsageError } from './tool.ts';

const HELP = `
Read models of the services in this repository, in the store that the environment names (STORE, NAMESPACE and so on).

  npm run read-models -- list                        all of them, and how far they are
  npm run read-models -- rebuild <service>.<name>    builds one anew beside the one that is asked, which it then replaces

A rebuild is done by the hosts that run, within some seconds. It reacts to nothing again: what a projection publishes or sends
besides its views is left out.

--json prints one JSON document (npm run --silent ...).
Exit status: 0 done, 1 it failed, 2 not understood.
`;

/** @param given @default all services of this repository */
export const readModelsOf = (given: Pick<Surroundings, 'services'>): Tool => ({
  name: 'read-models',
  help: HELP,
  async run(words, terminal) {
    const { positionals, values } = parseWords(words, { json: { type: 'boolean' } } as const);
    const [word, target, ...more] = positionals;
    const action = choose(word, ['list', 'rebuild']);
    if (more.length > 0 || (action === 'list') !== (target === undefined))
      throw new UsageError(
        action === 'list' ? 'list takes nothing else' : 'rebuild takes one <service>.<name>',
      );
    return withStore<Status>(terminal.environment, 'bind', async (open) => {
      const services = await runningIn(open, terminal, given);
      if (target !== undefined) await rebuild(services, target);
      const states = (
        await Promise.all(
          [...services].map(async ([service, all]) =>
            (await all.list()).map((state) => ({ service, ...state })),
          ),
        )
      ).flat();
      const shown = states.filter(
        ({ service, name }) => target === undefined || `${service}.${name}` === target,
      );
      const { namespace, store } = open.where;
      terminal.print(
        values.json === true
          ? JSON.stringify({ ...open.where, readModels: shown }, undefined, 2)
          : [`namespace ${namespace} on ${store}: ${shown.length} read models`, ...shown.map(tell)].join(
              '\n',
            ),
      );
      return 0;
    });
  },
});

export const readModels = readModelsOf({});

/** Of each service that is here; nothing of the broker is touched. */
async function runningIn(
  { store, settings }: OpenStore,
  { environment }: Terminal,
  given: Pick<Surroundings, 'services'>,
): Promise<ReadonlyMap<string, RunningReadModels>> {
  const { services, driver, logger } = await configure({
    ...given,
    environment: { ...environment, SERVICES: '' },
    store,
  });
  const messaging = createMessaging({ driver });
  const wiring = {
    ...{ messaging, store, clock: systemClock, ids: randomIds, logger, observer: () => undefined },
    leaseMs: settings.LEASE_MS,
  };
  return new Map(services.map((service) => [service.name, wire(service, wiring).readModels]));
}

async function rebuild(services: ReadonlyMap<string, RunningReadModels>, target: string): Promise<void> {
  const [service = '', name = '', ...more] = target.split('.');
  if (more.length === 0 && (await services.get(service)?.rebuild(name)) === true) return;
  const known = await Promise.all(
    [...services].map(async ([of, all]) => (await all.list()).map((state) => `${of}.${state.name}`)),
  );
  throw new MessagingError(
    'unroutable',
    printable(`there is no read model "${target}", only: ${known.flat().join(', ') || 'none'}`),
  );
}

function tell({
  service,
  name,
  version,
  live,
  building,
  isCaughtUp,
}: ReadModelState & { readonly service: string }): string {
  const next = building === undefined ? '' : `, generation ${building} is being built`;
  return `  ${service}.${name}  version ${version}, generation ${live}${next}, ${isCaughtUp ? 'has everything' : 'is behind'}`;
}
