import type { OpenAPIHono } from '@hono/zod-openapi';
import { createRoute, z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { moneySchema } from '@waggle/contracts';
import type { UnitOfWork } from '@waggle/kernel';
import type { PlaceOrder } from '../application/place-order.ts';
import type { OrderView, OrderViews } from '../application/ports.ts';
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

const placedView = orderView
  .extend({ version: z.int().openapi({ description: 'what `?version=` can wait for' }) })
  .openapi('PlacedOrder');

const json = <Schema extends z.ZodType>(schema: Schema) => ({ content: { 'application/json': { schema } } });

const post = createRoute({
  method: 'post',
  path: '/orders',
  summary: 'Place an order; its payment is taken afterwards',
  request: { body: { ...json(orderRequest), required: true } },
  responses: {
    202: { description: 'Accepted: ask for the order to see what became of it', ...json(placedView) },
  },
});

const get = createRoute({
  method: 'get',
  path: '/orders/{orderId}',
  summary: 'One order; with `version`, once it shows what had happened to it by then',
  request: {
    params: z.object({ orderId: z.string() }),
    query: z.object({ version: z.coerce.number().int().min(1).optional() }),
  },
  responses: {
    200: { description: 'The order', ...json(orderView) },
    404: { description: 'No such order' },
    503: { description: 'Not that far yet: ask again' },
  },
});

const list = createRoute({
  method: 'get',
  path: '/orders',
  summary: 'All orders, oldest first',
  responses: { 200: { description: 'The orders', ...json(z.array(orderView)) } },
});

export function http(unitOfWork: UnitOfWork, placeOrder: PlaceOrder, orders: OrderViews) {
  return (router: OpenAPIHono): void => {
    router.openapi(post, async (context) => {
      const request = context.req.valid('json');
      const { order, version } = await unitOfWork.run((tx) => placeOrder(tx, request)).catch(refused);
      const location = `/orders/${order.orderId}?version=${version}`;
      return context.json({ ...view(order), version }, 202, { location });
    });
    router.openapi(get, async (context) => {
      const { orderId } = context.req.valid('param');
      const { version } = context.req.valid('query');
      if (version !== undefined && !(await orders.hasReached(orderId, version)))
        throw new HTTPException(503, { message: `The order is not at version ${version} yet: ask again` });
      const order = await orders.find(orderId);
      if (order === undefined) throw new HTTPException(404, { message: 'There is no such order' });
      return context.json(view(order), 200);
    });
    router.openapi(list, async (context) => context.json((await orders.list()).map(view), 200));
  };
}

function view({ orderId, customerId, total, status, reason }: OrderView) {
  return { orderId, customerId, total, status, ...(reason !== undefined && { reason }) };
}

function refused(error: unknown): never {
  if (error instanceof OrderError) throw new HTTPException(422, { message: error.message });
  throw error;
}
