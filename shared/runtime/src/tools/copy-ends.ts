import { loadAdapter } from '../adapter-module.ts';
import type { Environment } from '../configuration.ts';
import { UsageError } from './tool.ts';

interface Given {
  readonly broker: string | undefined;
  readonly url: string | undefined;
  readonly namespace: string | undefined;
}

/**
 * The environment of one end of a copy: options go before `FROM_<SETTING>` or `TO_<SETTING>`, and those before `<SETTING>`.
 * @throws UsageError, ConfigurationError
 */
export async function endEnvironment(
  end: 'from' | 'to',
  environment: Environment,
  { broker, url, namespace }: Given,
) {
  if (broker === undefined) throw new UsageError(`--${end} is missing: name a broker, as BROKER does`);
  const prefix = `${end.toUpperCase()}_`;
  const own = Object.entries(environment).flatMap(([name, value]) =>
    name.startsWith(prefix) && value !== '' ? [[name.slice(prefix.length), value] as const] : [],
  );
  const merged: Environment = { ...environment, ...Object.fromEntries(own) };
  const setting = `${broker.toUpperCase()}_URL`;
  const { settings } = await loadAdapter('broker', broker);
  if (url !== undefined && !Object.hasOwn(settings, setting)) {
    throw new UsageError(
      `--${end}-url is of no use, since ${broker} has no setting ${setting}: leave it out`,
    );
  }
  return {
    url: url ?? (merged[setting] || settings[setting]?.default),
    environment: {
      ...merged,
      BROKER: broker,
      ...(url !== undefined && { [setting]: url }),
      ...(namespace !== undefined && { NAMESPACE: namespace }),
    },
  };
}
