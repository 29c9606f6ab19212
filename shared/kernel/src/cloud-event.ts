/** A value that a CloudEvents extension attribute can have (CloudEvents 1.0, section 3.1; a JSON number is an Integer). */
export type ExtensionValue = string | number | boolean;

/**
 * An event or a command as it travels: the context attributes of CloudEvents 1.0 under their own names, and the
 * extensions Waggle uses. Immutable. Attributes we do not know are kept in `extensions` and travel on.
 */
export interface CloudEvent<Type extends string = string, Data = unknown> {
  readonly specversion: '1.0';
  /** Unique over all producers: with the consumer the key of the inbox. A foreign producer had better use UUIDs. */
  readonly id: string;
  /** URI reference of the producer, `/ordering`. */
  readonly source: string;
  /** `<context>.<past-tense-or-verb>.v<major>` */
  readonly type: Type;
  /** RFC 3339, UTC. */
  readonly time?: string;
  /**
   * From when on the message is pointless (Expiry Time extension); RFC 3339. A command that is past it is not handled; an
   * event carries it and nothing more.
   */
  readonly expirytime?: string;
  readonly subject?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly data: Data;
  /** Messages with the same key keep their order (Partitioning extension). */
  readonly partitionkey?: string;
  /** The same through everything that one request set in motion (Correlation extension). */
  readonly correlationid?: string;
  /** The id of the message that caused this one (Correlation extension). */
  readonly causationid?: string;
  /** Where the message came from in the trace (Distributed Tracing extension, W3C Trace Context). */
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly extensions?: Readonly<Record<string, ExtensionValue>>;
}
