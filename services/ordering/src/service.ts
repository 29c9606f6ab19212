import { orderConfirmed, orderPlaced, orderRejected } from '@waggle/contracts/ordering';
import { takePayment } from '@waggle/contracts/payments';
import { defineService, identifier, offered, provided } from '@waggle/runtime';
import { ContainerModule } from 'inversify';
import { http } from './adapters/http.ts';
import { onPaymentOutcome } from './adapters/on-payment-outcome.ts';
import { orderRepository } from './adapters/order-repository.ts';
import { orderQueries, orderViews } from './adapters/order-views.ts';
import type { PlaceOrder } from './application/place-order.ts';
import { placeOrder } from './application/place-order.ts';
import type { Orders, OrderViews } from './application/ports.ts';
import type { SettleOrder } from './application/settle-order.ts';
import { settleOrder } from './application/settle-order.ts';

const orders = identifier<Orders>('Orders');
const views = identifier<OrderViews>('OrderViews');
const place = identifier<PlaceOrder>('PlaceOrder');
const settle = identifier<SettleOrder>('SettleOrder');

export const service = defineService({
  name: 'ordering',
  publishes: [orderPlaced, orderConfirmed, orderRejected],
  sends: [takePayment],
  module: new ContainerModule(({ bind }) => {
    bind(orders).toResolvedValue(orderRepository, []);
    bind(place).toResolvedValue(placeOrder, [orders, provided.ids]);
    bind(settle).toResolvedValue(settleOrder, [orders]);
    bind(views).toResolvedValue(orderQueries, [provided.unitOfWork, provided.readModels]);
    bind(offered.projections).toConstantValue([orderViews]);
    bind(offered.routes).toResolvedValue(http, [provided.unitOfWork, place, views]);
    bind(offered.handlers).toResolvedValue(onPaymentOutcome, [settle]);
  }),
});
