import { MessagingError } from '@waggle/kernel';
import type { BrokerDriver } from '@waggle/messaging';
import type { Environment } from '../configuration.ts';
import { configureBroker } from '../configure.ts';
import type { HostSettings } from '../host-settings.ts';
import { UsageError } from './tool.ts';

export interface OpenBroker {
  readonly driver: BrokerDriver;
  readonly settings: HostSettings;
  /** The namespace and the broker, as output begins with. */
  readonly where: { readonly namespace: string; readonly broker: string };
}

/**
 * The configured broker, as the host would have it, for as long as `use` takes.
 * @param topology `bind` creates nothing: a misspelt NAMESPACE is told, and not made
 */
export async function withBroker<Result>(
  environment: Environment,
  topology: 'bind' | 'as-configured',
  use: (broker: OpenBroker) => Promise<Result>,
): Promise<Result> {
  const { driver, settings } = await configureBroker({
    environment: {
      ...environment,
      LOG_LEVEL: environment['LOG_LEVEL'] || 'warn',
      LOG_FORMAT: environment['LOG_FORMAT'] || 'text',
      ...(topology === 'bind' && { TOPOLOGY: 'bind' }),
    },
  });
  const { BROKER, NAMESPACE } = settings;
  if (BROKER === 'memory') {
    throw new UsageError(
      'BROKER is "memory", which ends with its process: ask the host that has it, over HTTP, or set BROKER',
    );
  }
  try {
    await driver.open().catch((error: unknown) => {
      throw isMissing(error) ? nothingThere(settings, error) : error;
    });
    return await use({ driver, settings, where: { namespace: NAMESPACE, broker: BROKER } });
  } finally {
    await driver.close();
  }
}

const isMissing = (error: unknown): error is MessagingError =>
  error instanceof MessagingError && error.code === 'unroutable';

function nothingThere({ NAMESPACE, BROKER }: HostSettings, cause: MessagingError): MessagingError {
  return new MessagingError(
    'unroutable',
    `there is no namespace "${NAMESPACE}" on ${BROKER}, or not all of it: set NAMESPACE to the one that the services use (${cause.reason})`,
    { cause },
  );
}
