import type { ConsumeOptions } from '../driver.ts';

type Source = ConsumeOptions['source'];

/** The group, or the context of the queue. */
export function nameOf(source: Source): string {
  return source.kind === 'group' ? source.group : source.context;
}

/** For people. */
export function titleOf(source: Source): string {
  return `${source.kind} ${nameOf(source)}`;
}
