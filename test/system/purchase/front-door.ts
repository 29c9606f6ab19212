import type { Host } from '@waggle/runtime';
import type { Purchase } from './purchase.ts';
import { placeOrder } from './purchase.ts';

/** Where customers come in: they wait while it is closed, as behind a load balancer, and go to whatever host it leads to. */
export function createFrontDoor() {
  let opened = Promise.withResolvers<Host>();
  let accepted = 0;
  const inside = new Set<Promise<unknown>>();

  async function enter(purchase: Purchase): Promise<void> {
    const placing = placeOrder(await opened.promise, purchase);
    inside.add(placing);
    await placing;
    inside.delete(placing);
    accepted++;
  }

  return {
    enter,
    get accepted() {
      return accepted;
    },
    open(host: Host): void {
      opened.resolve(host);
    },
    /** Nobody comes in any more; resolves when those inside have been served. */
    async close(): Promise<void> {
      opened = Promise.withResolvers();
      await Promise.all(inside);
    },
  };
}
