import type { OpenAPIHono } from '@hono/zod-openapi';
import { createRoute, z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { moneySchema } from '@waggle/contracts';
import type { Transaction, UnitOfWork } from '@waggle/kernel';
import type { Orders } from '../application/ports.ts';
import type { PlaceOrder } from '../application/place-order.ts';
import type { Order } from '../domain/order.ts';
import { OrderError } from '../domain/order.ts';

const orderRequest = z
  .object({
    customerId: z.string().min(1).max(100),
    lines: z
      .array(
        z.object({
          sku: z.string().min(1).max(100),
          quantity: z.int().min(1).max(1000),
          unitPrice: moneySchema,
        }),
      )
      .min(1)
      .max(100),
  })
  .openapi('OrderRequest', {
    example: {
      customerId: 'customer-1',
      lines: [{ sku: 'honey-jar', quantity: 2, unitPrice: { amountMinor: 1250, currency: 'EUR' } }],
    },
  });

const orderView = z
  .object({
    orderId: z.string(),
    customerId: z.string(),
    total: moneySchema,
    status: z.enum(['awaiting-payment', 'confirmed', 'rejected']),
    reason: z.string().optional(),
  })
  .openapi('Order');

const json = <Schema extends z.ZodType>(schema: Schema) => ({ content: { 'application/json': { schema } } });

const post = createRoute({
  method: 'post',
  path: '/orders',
  summary: 'Place an order; its payment is taken afterwards',
  request: { body: { ...json(orderRequest), required: true } },
  responses: {
    202: { description: 'Accepted: ask for the order to see what became of it', ...json(orderView) },
  },
});

const get = createRoute({
  method: 'get',
  path: '/orders/{orderId}',
  summary: 'One order',
  request: { params: z.object({ orderId: z.string() }) },
  responses: { 200: { description: 'The order', ...json(orderView) }, 404: { description: 'No such order' } },
});

const list = createRoute({
  method: 'get',
  path: '/orders',
  summary: 'All orders, oldest first',
  responses: { 200: { description: 'The orders', ...json(z.array(orderView)) } },
});

export function http(unitOfWork: UnitOfWork, placeOrder: PlaceOrder, orders: Orders) {
  const find = (orderId: string) => unitOfWork.run((tx: Transaction) => orders.find(tx, orderId));
  return (router: OpenAPIHono): void => {
    router.openapi(post, async (context) => {
      const request = context.req.valid('json');
      const order = await unitOfWork.run((tx) => placeOrder(tx, request)).catch(refused);
      return context.json(view(order), 202, { location: `/orders/${order.orderId}` });
    });
    router.openapi(get, async (context) => {
      const order = await find(context.req.valid('param').orderId);
      if (order === undefined) throw new HTTPException(404, { message: 'There is no such order' });
      return context.json(view(order), 200);
    });
    router.openapi(list, async (context) =>
      context.json((await unitOfWork.run((tx) => orders.list(tx))).map(view), 200),
    );
  };
}

function view({ orderId, customerId, total, status, reason }: Order) {
  return { orderId, customerId, total, status, ...(reason !== undefined && { reason }) };
}

function refused(error: unknown): never {
  if (error instanceof OrderError) throw new HTTPException(422, { message: error.message });
  throw error;
}
