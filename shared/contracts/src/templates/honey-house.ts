import { z } from 'zod';
import { defineEvent } from '../contract.ts';

export const honeyJarOpened = defineEvent('honey-house.honey-jar-opened.v1', {
  description: 'A honey jar was opened.',
  schema: z.object({ honeyJarId: z.string().min(1).max(100), title: z.string().min(1).max(200) }),
  key: ({ honeyJarId }) => honeyJarId,
  example: { honeyJarId: 'honey-jar-1', title: 'the first one' },
});
