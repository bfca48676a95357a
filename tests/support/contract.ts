/**
 * What a protocol brings for `tests/contract.test.ts`, which holds every protocol of the registry to the same promises. It is the export `contract` of
 * `gateway/src/protocols/NAME/testdata/contract.ts`.
 */
export type ProtocolContract = ExchangeContract | StreamContract;

/** For a protocol over HTTP: its targets all lead to the server of `stream-server.ts`. */
interface ExchangeContract {
  readonly transport: 'exchange';
  readonly ways: readonly ExchangeWay[];
}

/** The way in which clients of a protocol over HTTP ask one target. */
export interface ExchangeWay {
  readonly target: string;
  readonly path: string;
  /** The media type of the body. */
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The target's place in the configuration, and how it gets the credential `TARGET_SECRET`. By default it is the server's URL. */
  place?(server: string): string;
  /** The body of a request that says this. */
  body(said: string): string;
}

/** For a protocol with a listener of its own: it starts the server that its target leads to. */
interface StreamContract {
  readonly transport: 'stream';
  readonly target: string;
  start(): Promise<StreamWay>;
}

type StreamWay = WaySteps & AsyncDisposable;

interface WaySteps {
  /** The target's place in the configuration, and its credential. */
  readonly place: string;
  /** The environment variables that hold what the configuration names. */
  readonly environment: Readonly<Record<string, string>>;
  /** Opens a connection as a client does. It need not be open yet when this returns. */
  connect(access: Access): Connection;
  /** The words that arrived at the target, of those given, in the order in which they came. */
  heard(words: readonly string[]): readonly string[];
  /** True if the target answers nothing any more that said these words. */
  hasEnded(said: string): boolean | Promise<boolean>;
}

export interface ContractWay extends WaySteps {
  readonly protocol: string;
  readonly target: string;
}

/** Where a gateway listens, and whom the client is. */
export interface Access {
  readonly addresses: Readonly<Record<string, string>>;
  readonly token: string;
}

export interface Connection {
  /**
   * Asks for something that says these words and that answers with a word of them that begins with `secret-`. The answer does not end where the words begin with `endless`.
   * A request is sent before the one before it is answered where the protocol can.
   */
  ask(said: string): Asking;
  /** Takes leave as clients do. */
  close(): Promise<void>;
  /** Breaks the connection off. */
  leave(): void;
}

export interface Asking {
  /** Resolves when some of the answer has come, or all of it. */
  readonly begun: Promise<void>;
  readonly told: Promise<Told>;
}

export interface Told {
  readonly isAllowed: boolean;
  /** The answer, or why there is none; empty where the connection was cut. */
  readonly text: string;
  /** The end of the request's bytes, and of the answer's, as they crossed the client's connection. */
  readonly sent: Buffer;
  readonly answered: Buffer;
}

/** `begun` resolves with the first call of `onBegun`, and at the latest with the end. */
export function asking(tell: (onBegun: () => void) => Promise<Told>): Asking {
  const begun = Promise.withResolvers<void>();
  const told = tell(begun.resolve).finally(begun.resolve);
  return { begun: begun.promise, told };
}
