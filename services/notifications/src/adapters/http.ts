import type { OpenAPIHono } from '@hono/zod-openapi';
import { createRoute, z } from '@hono/zod-openapi';
import type { UnitOfWork } from '@waggle/kernel';
import type { SentNotices } from '../application/ports.ts';

const noticeView = z
  .object({ orderId: z.string(), customerId: z.string(), text: z.string() })
  .openapi('Notice');

const list = createRoute({
  method: 'get',
  path: '/notices',
  summary: 'All notices that were sent, oldest first',
  responses: {
    200: { description: 'The notices', content: { 'application/json': { schema: z.array(noticeView) } } },
  },
});

export function http(unitOfWork: UnitOfWork, notices: SentNotices) {
  return (router: OpenAPIHono): void => {
    router.openapi(list, async (context) =>
      context.json([...(await unitOfWork.run((tx) => notices.list(tx)))], 200),
    );
  };
}
