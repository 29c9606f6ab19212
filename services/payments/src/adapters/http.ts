import type { OpenAPIHono } from '@hono/zod-openapi';
import { createRoute, z } from '@hono/zod-openapi';
import { moneySchema } from '@waggle/contracts';
import type { UnitOfWork } from '@waggle/kernel';
import type { Payments } from '../application/ports.ts';

const paymentView = z
  .object({
    orderId: z.string(),
    customerId: z.string(),
    amount: moneySchema,
    status: z.enum(['taken', 'declined']),
    reason: z.string().optional(),
  })
  .openapi('Payment');

const list = createRoute({
  method: 'get',
  path: '/payments',
  summary: 'All payments, oldest first',
  responses: {
    200: { description: 'The payments', content: { 'application/json': { schema: z.array(paymentView) } } },
  },
});

export function http(unitOfWork: UnitOfWork, payments: Payments) {
  return (router: OpenAPIHono): void => {
    router.openapi(list, async (context) =>
      context.json([...(await unitOfWork.run((tx) => payments.list(tx)))], 200),
    );
  };
}
