import type { DomainEvent, StreamEvent } from '@waggle/kernel';
import { recordingTransaction } from '@waggle/kernel/testing';
import type { Projection } from '../src/index.ts';

/**
 * The views after these events of one stream, by id, and what was published and sent on the way:
 * `await project(orderViews, 'order-1', placed, confirmed)`.
 */
export async function project<View>(
  projection: Projection<View>,
  stream: string,
  ...events: readonly DomainEvent[]
) {
  const { tx, documents, published, sent } = recordingTransaction();
  const numbered = events.map((event, index): StreamEvent => ({
    ...event,
    id: `${stream}@${index + 1}`,
    schemaVersion: 1,
    metadata: {},
    stream,
    version: index + 1,
  }));
  await projection.apply(tx, numbered);
  return { views: documents(`${projection.name}.1`) as ReadonlyMap<string, View>, published, sent };
}
