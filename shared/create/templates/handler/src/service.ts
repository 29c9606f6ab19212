import { defineService, offered } from '@waggle/runtime';
import { ContainerModule } from 'inversify';
import { onHoneyJarOpened } from './adapters/on-honey-jar-opened.ts';

/** Around the handler that is copied; the lines that name it are copied into the service that gets it. */
export const service = defineService({
  name: 'honey-house',
  module: new ContainerModule(({ bind }) => {
    bind(offered.handlers).toResolvedValue(onHoneyJarOpened, []);
  }),
});
