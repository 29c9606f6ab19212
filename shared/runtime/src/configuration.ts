import type { Settings, SettingValues } from '@waggle/kernel';
import { messageOf } from '@waggle/kernel';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that is wrong with the configuration, at once. Never shows the value of a secret. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `[waggle] the configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/**
 * Parses the environment against a schema. An empty variable counts as not set. Problems are added to `problems`
 * rather than thrown, so that all of them can be told together; the values are only good when there are none.
 */
export function readSettings<Schema extends Settings>(
  schema: Schema,
  environment: Environment,
  problems: string[],
): SettingValues<Schema> {
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(schema)) {
    const given = environment[name] || undefined;
    const text = given ?? setting.default;
    if (text === undefined) {
      problems.push(`${name} is not set: ${setting.description}`);
      continue;
    }
    try {
      values[name] = setting.parse(text);
    } catch (error) {
      problems.push(
        `${name} is ${setting.secret ? 'not usable (its value is secret)' : `"${text}"`}: ${messageOf(error)}`,
      );
    }
  }
  return Object.freeze(values) as SettingValues<Schema>;
}
