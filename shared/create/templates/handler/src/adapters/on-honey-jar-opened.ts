import { honeyJarOpened } from '@waggle/contracts/templates/honey-house';
import type { HandlerDefinition } from '@waggle/kernel';
import { onEvent } from '@waggle/kernel';
import { keepHoneyJarOpened } from '../application/keep-honey-jar-opened.ts';

export function onHoneyJarOpened(): readonly HandlerDefinition[] {
  return [
    onEvent('keep-honey-jar-opened', honeyJarOpened, (event, tx) =>
      keepHoneyJarOpened(tx, event.partitionkey ?? event.id, event.data),
    ),
  ];
}
