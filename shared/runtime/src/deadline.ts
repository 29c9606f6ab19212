/** What a promise gives, or `late` if that takes longer than `limitMs` of real time. Its later outcome is ignored. */
export async function within<Result, const Late>(
  limitMs: number,
  promise: Promise<Result>,
  late: Late,
): Promise<Result | Late> {
  const { promise: over, resolve } = Promise.withResolvers<Late>();
  const timer = setTimeout(resolve, Math.max(0, limitMs), late);
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}
