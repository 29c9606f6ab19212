import { honeyJarOpened } from '@waggle/contracts/templates/honey-house';
import { defineService, identifier, offered, provided } from '@waggle/runtime';
import { ContainerModule } from 'inversify';
import { honeyJarRepository } from './adapters/honey-jar-repository.ts';
import { http } from './adapters/http.ts';
import { onHoneyJarOpened } from './adapters/on-honey-jar-opened.ts';
import type { AcknowledgeHoneyJar } from './application/acknowledge-honey-jar.ts';
import { acknowledgeHoneyJar } from './application/acknowledge-honey-jar.ts';
import type { OpenHoneyJar } from './application/open-honey-jar.ts';
import { openHoneyJar } from './application/open-honey-jar.ts';
import type { HoneyJars } from './application/ports.ts';

const honeyJars = identifier<HoneyJars>('HoneyJars');
const open = identifier<OpenHoneyJar>('OpenHoneyJar');
const acknowledge = identifier<AcknowledgeHoneyJar>('AcknowledgeHoneyJar');

export const service = defineService({
  name: 'honey-house',
  publishes: [honeyJarOpened],
  module: new ContainerModule(({ bind }) => {
    bind(honeyJars).toResolvedValue(honeyJarRepository, []);
    bind(open).toResolvedValue(openHoneyJar, [honeyJars, provided.ids]);
    bind(acknowledge).toResolvedValue(acknowledgeHoneyJar, [honeyJars]);
    bind(offered.routes).toResolvedValue(http, [provided.unitOfWork, open, honeyJars]);
    bind(offered.handlers).toResolvedValue(onHoneyJarOpened, [acknowledge]);
  }),
});
