/** Attributes as the headers of a binding that puts `prefix` before their names. */
export function prefixed(
  prefix: string,
  attributes: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [prefix + name, value]));
}
