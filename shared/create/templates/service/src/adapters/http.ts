import type { OpenAPIHono } from '@hono/zod-openapi';
import { createRoute, z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import type { UnitOfWork } from '@waggle/kernel';
import type { OpenHoneyJar } from '../application/open-honey-jar.ts';
import type { HoneyJars } from '../application/ports.ts';
import { HoneyJarError } from '../domain/honey-jar.ts';

const honeyJarRequest = z
  .object({ title: z.string().min(1).max(200) })
  .openapi('HoneyJarRequest', { example: { title: 'the first one' } });

const honeyJarView = z
  .object({ honeyJarId: z.string(), title: z.string(), status: z.enum(['opened', 'acknowledged']) })
  .openapi('HoneyJar');

const json = <Schema extends z.ZodType>(schema: Schema) => ({ content: { 'application/json': { schema } } });

const post = createRoute({
  method: 'post',
  path: '/honey-house',
  summary: 'Open a honey jar',
  request: { body: { ...json(honeyJarRequest), required: true } },
  responses: { 201: { description: 'The honey jar', ...json(honeyJarView) } },
});

const get = createRoute({
  method: 'get',
  path: '/honey-house/{honeyJarId}',
  summary: 'One honey jar',
  request: { params: z.object({ honeyJarId: z.string() }) },
  responses: {
    200: { description: 'The honey jar', ...json(honeyJarView) },
    404: { description: 'There is none with this id' },
  },
});

const list = createRoute({
  method: 'get',
  path: '/honey-house',
  summary: 'All honey jars, oldest first',
  responses: { 200: { description: 'The honey jars', ...json(z.array(honeyJarView)) } },
});

export function http(unitOfWork: UnitOfWork, openHoneyJar: OpenHoneyJar, honeyJars: HoneyJars) {
  return (router: OpenAPIHono): void => {
    router.openapi(post, async (context) => {
      const { title } = context.req.valid('json');
      const honeyJar = await unitOfWork.run((tx) => openHoneyJar(tx, title)).catch(refused);
      return context.json(honeyJar, 201, { location: `/honey-house/${honeyJar.honeyJarId}` });
    });
    router.openapi(get, async (context) => {
      const { honeyJarId } = context.req.valid('param');
      const honeyJar = await unitOfWork.run((tx) => honeyJars.find(tx, honeyJarId));
      if (honeyJar === undefined) throw new HTTPException(404, { message: 'There is none with this id' });
      return context.json(honeyJar, 200);
    });
    router.openapi(list, async (context) =>
      context.json([...(await unitOfWork.run((tx) => honeyJars.list(tx)))], 200),
    );
  };
}

function refused(error: unknown): never {
  if (error instanceof HoneyJarError) throw new HTTPException(422, { message: error.message });
  throw error;
}
