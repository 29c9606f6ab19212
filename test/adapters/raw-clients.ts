/** A broker's own client, which knows of Waggle what `docs/wire.md` says. Rejects what it cannot have confirmed. */
export interface RawPublisher {
  /** What the server is, with its version. */
  readonly server: string;
  publish(lane: number, type: string, body: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** The wire as somebody sees it who has nothing but docs/wire.md and a client library. */
export interface ForeignMessage {
  readonly contentType: string | undefined;
  readonly messageId: string | undefined;
  readonly traceparent: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ForeignClient {
  /** Takes the next command off the queue of a context, whichever lane it is in, for good. */
  takeCommand(context: string): Promise<ForeignMessage>;
  /** The first event of this type in the stream. */
  firstEvent(type: string): Promise<ForeignMessage>;
  /** Publishes in the binary mode of CloudEvents, without order. */
  publishBinaryEvent(attributes: Readonly<Record<string, string>>, data: unknown): Promise<void>;
  close(): Promise<void>;
}
