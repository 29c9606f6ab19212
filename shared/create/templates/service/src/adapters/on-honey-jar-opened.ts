import { honeyJarOpened } from '@waggle/contracts/templates/honey-house';
import type { HandlerDefinition } from '@waggle/kernel';
import { onEvent } from '@waggle/kernel';
import type { AcknowledgeHoneyJar } from '../application/acknowledge-honey-jar.ts';

/** A service may react to events of its own, as to those of others. */
export function onHoneyJarOpened(acknowledgeHoneyJar: AcknowledgeHoneyJar): readonly HandlerDefinition[] {
  return [
    onEvent('acknowledge-honey-jar', honeyJarOpened, (event, tx) =>
      acknowledgeHoneyJar(tx, event.data.honeyJarId),
    ),
  ];
}
