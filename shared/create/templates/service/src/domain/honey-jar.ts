/** A honey jar, as it is now. */
export interface HoneyJar {
  readonly honeyJarId: string;
  readonly title: string;
  readonly status: 'opened' | 'acknowledged';
}

/** A rule of the business that a request broke. */
export class HoneyJarError extends Error {
  override readonly name = 'HoneyJarError';
}

/** @throws HoneyJarError for a title that says nothing */
export function opened(honeyJarId: string, title: string): HoneyJar {
  if (title.trim() === '') throw new HoneyJarError('a title has to say something');
  return { honeyJarId, title: title.trim(), status: 'opened' };
}

export function acknowledged(honeyJar: HoneyJar): HoneyJar {
  return { ...honeyJar, status: 'acknowledged' };
}
