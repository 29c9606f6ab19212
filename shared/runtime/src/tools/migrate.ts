import { withStore } from './store.ts';
import type { Status, Tool } from './tool.ts';
import { parseWords, UsageError } from './tool.ts';

const HELP = `
Makes the tables of the store that the environment names (STORE, NAMESPACE and so on, as for the host) as this code needs
them: before a host with TOPOLOGY=bind starts, which alters nothing. With TOPOLOGY=declare a host does it itself.

  npm run migrate

Waits for whoever is doing the same. Tables that are newer than this code are refused.
Exit status: 0 done, 1 it failed, 2 not understood.
`;

export const migrate: Tool = {
  name: 'migrate',
  help: HELP,
  async run(words, { environment, print }) {
    const { positionals } = parseWords(words, {});
    if (positionals.length > 0)
      throw new UsageError(`migrate takes no "${positionals[0]}": it does all there is to do`);
    return withStore<Status>(environment, 'declare', async ({ where: { namespace, store } }) => {
      print(`namespace ${namespace} on ${store}: the tables are as this code needs them`);
      return 0;
    });
  },
};
