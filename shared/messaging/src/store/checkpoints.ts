import type { Checkpoint, Checkpoints } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';

const START: Checkpoint = { position: undefined, epoch: 0 };

/** Checkpoints as documents: a transaction writes one only as it read it, which is the compare-and-set. */
export const checkpoints: Checkpoints = {
  get: async (tx, name) => (await tx.collection<Checkpoint>('checkpoints').get(name)) ?? START,
  async advance(tx, name, { from, to, epoch }) {
    const { position, epoch: latest } = await checkpoints.get(tx, name);
    if (epoch < latest)
      throw new MessagingError(
        'conflict',
        `checkpoint ${name}: epoch ${epoch} is over, ${latest} has begun: stop, somebody else goes on`,
      );
    if (position !== from)
      throw new MessagingError(
        'conflict',
        `checkpoint ${name} is at ${position ?? 'the beginning'}, expected was ${from ?? 'the beginning'}: read it again and go on from there`,
      );
    tx.collection<Checkpoint>('checkpoints').put(name, { position: to, epoch });
  },
};
