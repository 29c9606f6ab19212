import type { BaseLogger, DestinationStream } from 'pino';
import { pino } from 'pino';
import type { Logger } from '@waggle/kernel';
import { currentMessageContext, parseTraceparent } from '@waggle/messaging';
import type { HostSettings } from './host-settings.ts';

/**
 * Logs with pino, to standard error unless told otherwise: standard output belongs to what the program was asked for.
 * Every line carries the correlation and trace ids of what it was written for.
 */
export async function createLogger(
  settings: Pick<HostSettings, 'LOG_LEVEL' | 'LOG_FORMAT'>,
  destination?: DestinationStream,
): Promise<Logger> {
  const logger = pino(
    { level: settings.LOG_LEVEL, base: null, mixin: traceFields, timestamp: pino.stdTimeFunctions.isoTime },
    destination ?? (await standardError(settings.LOG_FORMAT)),
  );
  return adapt(logger);
}

async function standardError(format: HostSettings['LOG_FORMAT']): Promise<DestinationStream> {
  if (format === 'json') return pino.destination({ fd: 2, sync: true });
  const { default: pretty } = await import('pino-pretty');
  return pretty({ destination: 2, sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss.l' });
}

function traceFields(): object {
  const context = currentMessageContext();
  if (context === undefined) return {};
  return { correlationId: context.correlationId, traceId: parseTraceparent(context.traceparent)?.traceId };
}

function adapt(logger: Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>): Logger {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  };
}

/** The same logger, with these fields on every line. */
export function withFields(logger: Logger, always: Readonly<Record<string, unknown>>): Logger {
  return {
    debug: (message, fields) => logger.debug(message, { ...always, ...fields }),
    info: (message, fields) => logger.info(message, { ...always, ...fields }),
    warn: (message, fields) => logger.warn(message, { ...always, ...fields }),
    error: (message, fields) => logger.error(message, { ...always, ...fields }),
  };
}
