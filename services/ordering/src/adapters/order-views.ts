import { defineProjection } from '@waggle/event-sourcing';
import type { UnitOfWork } from '@waggle/kernel';
import type { OrderView, OrderViews } from '../application/ports.ts';
import type { OrderEvent } from '../domain/order-events.ts';
import { orders } from './order-repository.ts';

/** The read model of the queries: one view an order. */
export const orderViews = defineProjection<OrderView, OrderEvent>({
  name: 'order-views',
  category: 'order',
  async project(views, { type, data }) {
    const { orderId } = data;
    if (type === 'placed') {
      const { customerId, total } = data;
      return views.put(orderId, { orderId, customerId, total, status: 'awaiting-payment' });
    }
    const view = await views.get(orderId);
    if (view === undefined) return undefined;
    return views.put(
      orderId,
      type === 'confirmed'
        ? { ...view, status: 'confirmed' }
        : { ...view, status: 'rejected', reason: data.reason },
    );
  },
});

/** Waits for a read model; the host has one for each service. */
interface ReadModels {
  hasReached(projection: typeof orderViews, stream: string, version: number): Promise<boolean>;
}

export function orderQueries(unitOfWork: UnitOfWork, readModels: ReadModels): OrderViews {
  return {
    find: (orderId) => unitOfWork.run(async (tx) => (await orderViews.views(tx)).get(orderId)),
    list: () => unitOfWork.run(async (tx) => (await orderViews.views(tx)).list()),
    hasReached: (orderId, version) => readModels.hasReached(orderViews, orders.streamOf(orderId), version),
  };
}
