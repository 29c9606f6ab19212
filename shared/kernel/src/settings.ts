/** One setting: how the text of an environment variable becomes a value. */
export interface Setting<Value> {
  /** For `.env.example` and error messages. */
  readonly description: string;
  /** What holds when the variable is not set, as it would stand there; without one the setting is required. */
  readonly default?: string;
  /** Never shown. */
  readonly secret?: boolean;
  /** @throws Error that says what was expected */
  parse(text: string): Value;
}

/** Settings by the name of their environment variable. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** What parsing `Schema` gives: typed and frozen. */
export type SettingValues<Schema extends Settings> = {
  readonly [Name in keyof Schema]: Schema[Name] extends Setting<infer Value> ? Value : never;
};

interface About {
  readonly description: string;
  readonly default?: string;
  readonly secret?: boolean;
}

export function text(about: About): Setting<string> {
  return { ...about, parse: (value) => value };
}

/** Not set means not there. */
export function optionalText(about: Omit<About, 'default'>): Setting<string | undefined> {
  return { ...about, default: '', parse: (value) => (value === '' ? undefined : value) };
}

export function integer({
  min,
  max = Number.MAX_SAFE_INTEGER,
  ...about
}: About & { readonly min: number; readonly max?: number }): Setting<number> {
  return {
    ...about,
    parse(value) {
      const number = Number(value);
      if (!/^-?\d+$/.test(value) || number < min || number > max) {
        throw new Error(`expected a whole number from ${min} to ${max}`);
      }
      return number;
    },
  };
}

export function choice<const Value extends string>(values: readonly Value[], about: About): Setting<Value> {
  return {
    ...about,
    parse(value) {
      const found = values.find((candidate) => candidate === value);
      if (found === undefined) throw new Error(`expected one of ${values.join(', ')}`);
      return found;
    },
  };
}

/** Comma-separated; not set means none. */
export function list(about: About): Setting<readonly string[]> {
  const split = (value: string): string[] =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  return { ...about, parse: split };
}

/**
 * The name of a file, whose text is the value; not set means not there. `read` reads it, as the kernel does no I/O, and may
 * refuse what it finds: its error must not show it.
 */
export function file(
  read: (path: string) => string,
  about: Omit<About, 'default' | 'secret'>,
): Setting<string | undefined> {
  return { ...about, default: '', parse: (path) => (path === '' ? undefined : read(path)) };
}

/** A URL, or several separated by commas, of one of `protocols` (`https:`). Secret by default: URLs carry passwords. */
export function url(protocols: readonly string[], about: About): Setting<string> {
  return {
    secret: true,
    ...about,
    parse(value) {
      for (const part of value.split(',')) {
        const protocol = /^[a-z][a-z0-9+.-]*:(?=\/\/[^/])/i.exec(part.trim())?.[0];
        if (protocol === undefined || !protocols.includes(protocol.toLowerCase())) {
          throw new Error(
            `expected a URL that starts with ${protocols.map((name) => `${name}//`).join(' or ')}`,
          );
        }
      }
      return value;
    },
  };
}
