/**
 * The parts that a protocol provides for `tests/contract.test.ts` and `contract-promises.test.ts`, which test the same for every protocol of the registry. They are the export
 * `contract` of `gateway/src/protocols/NAME/testdata/contract.ts`.
 */
export type ProtocolContract = ExchangeContract | StreamContract;

/** For a protocol over HTTP. All its targets lead to the server of `stream-server.ts`. */
interface ExchangeContract {
  readonly transport: 'exchange';
  readonly ways: readonly ExchangeWay[];
}

/** How clients of a protocol over HTTP ask one target. */
export interface ExchangeWay {
  readonly target: string;
  readonly path: string;
  /** The media type of the body. */
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Returns the target's place in the configuration, and how the target gets the credential `TARGET_SECRET`. By default the place is the server's URL. */
  place?(server: string): string;
  /** Returns the body of a request that contains these words. */
  body(said: string): string;
  /** Absent: the protocol is not spoken over WebSocket. */
  readonly socket?: { readonly path: string; readonly message: (said: string) => string };
  /** The claims of its clients about their own software, as the record has them, beside `user-agent`. Empty: there are no others. */
  readonly claims: readonly string[];
  /** Returns the text of an answer that a client reads. By default it is the body. */
  read?(answer: string): string;
  /** Other words that ask for an answer with `secret-abc123` in it: for instance as an error. */
  readonly maskedWords?: readonly string[];
  /** Every shape in which this target may answer. */
  readonly shapes: readonly ServedShape[];
  /** Entries of the protocol's own, beside those that every protocol over HTTP has. `heard` is that of the server. */
  entries?(heard: Entry['heard']): readonly Entry[];
}

/** For a protocol with a listener of its own. It starts the server that its target leads to. */
interface StreamContract {
  readonly transport: 'stream';
  readonly target: string;
  /** The claims of its clients about their own software, as the record has them. Empty: the protocol has no place for that. */
  readonly claims: readonly string[];
  /** Other words that ask for an answer with `secret-abc123` in it: for instance as an error. */
  readonly maskedWords?: readonly string[];
  start(): Promise<StreamWay>;
}

interface StreamWay extends WaySteps, AsyncDisposable {
  /** Every shape in which the target may answer. */
  readonly shapes: readonly AskedShape[];
  /** Every way in which a client can have something done at the target. The first is the usual one. */
  readonly entries: readonly Entry[];
}

/** A shape in which a protocol gives values to its clients. The README of the protocol lists all of them, with their outcomes. */
interface AnswerShape {
  readonly name: string;
  /** Tells shapes of one name apart, whose outcome is the same. */
  readonly form?: string;
  /** Where policy masks a value in such an answer, another value stands in its place, or NULL; or the client gets an error and nothing of the answer. */
  readonly outcome: 'masked' | 'NULL' | 'refused';
  /** True if what takes the place of a value has as many columns as it. */
  readonly keepsColumns?: boolean;
}

export interface AskedShape extends AnswerShape {
  /** Asks for an answer of this shape with these words in it. Never rejects because the answer is refused. */
  ask(access: Access, words: string): Promise<ShapedAnswer>;
  /** Returns the text of an answer with these words in it, as a client reads it. Absent: any text with the words in it. */
  text?(words: string): string;
}

export interface ShapedAnswer {
  /** All that the client got: head and body. */
  readonly bytes: Buffer;
  /** The text that a client reads in it. */
  readonly text: string;
  /** The body as the client got it, and as the target sent it. Null: what the client gets is not the body of the target. */
  readonly bodies: readonly [Buffer, Buffer] | null;
}

/** An answer that the server of the targets over HTTP gives to the requests with some words. */
export interface ServedShape extends AnswerShape {
  /** Absent: the path of the target. */
  readonly path?: string;
  /** Returns the body of the request, or the message over WebSocket. Absent: that of the target. */
  request?(said: string): string;
  serve(words: string): Served;
  /** Returns what a client reads in the body, or in the joined messages. Absent: the body. */
  read?(body: Buffer): string;
}

export interface Served {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** How the body is sent. `content-encoding` names it, unless the headers do. */
  readonly coding?: 'gzip' | 'br' | 'zstd' | 'deflate';
  readonly trailers?: Readonly<Record<string, string>>;
  /** Messages over WebSocket in place of all that. */
  readonly messages?: readonly (string | Buffer)[];
}

/** A way in which a client can have something done at a target. No control is missing at any of them. */
export interface Entry {
  readonly name: string;
  /** The action that is tested here, where an entry needs other actions too. Absent: every action that does something. */
  readonly action?: string;
  /** True if the action is a part of another request, with which it counts. */
  readonly isPart?: boolean;
  /** True if the client is not told what becomes of its request. */
  readonly isSilent?: boolean;
  /** True if a halt of the session does by itself at the target what this request asks for. */
  readonly isDoneByHalt?: boolean;
  /** Opens a connection as a client does. It may still be opening when this returns. */
  connect(access: Access): EntryConnection;
  /** Returns how many requests with these words were carried out at the target. */
  heard(said: string): number | Promise<number>;
}

export interface EntryConnection {
  /** Sends a request that contains these words. Resolves with the answer, or with the reason why there is none. Never rejects. */
  ask(said: string): Promise<Pick<Told, 'isAllowed' | 'text'>>;
  /** Closes the connection. Resolves also if the gateway has closed it before. */
  close(): Promise<void>;
}

interface WaySteps {
  /** The target's place in the configuration, and its credential. */
  readonly place: string;
  /** The environment variables that the configuration names. */
  readonly environment: Readonly<Record<string, string>>;
  /** Opens a connection as a client does. It may still be opening when this returns. */
  connect(access: Access): Connection;
  /** Returns those of the given words that arrived at the target, in the order in which they arrived. */
  heard(words: readonly string[]): readonly string[];
  /** True if the target has stopped answering the request that contains these words. */
  hasEnded(said: string): boolean | Promise<boolean>;
}

export interface ContractWay extends WaySteps {
  readonly protocol: string;
  readonly target: string;
  /** The claims of the client about its own software, as the record has them. */
  readonly claims: readonly string[];
  readonly shapes: readonly AskedShape[];
}

/** The address of a gateway, and the identity of the client. */
export interface Access {
  readonly addresses: Readonly<Record<string, string>>;
  readonly token: string;
}

export interface Connection {
  /**
   * Sends a request that contains these words. The answer contains a word of the request that begins with `secret-`, and it does not end if the words begin
   * with `endless`. If the protocol allows it, a request is sent before the one before it is answered.
   */
  ask(said: string): Asking;
  /** Closes the connection in the way that clients do. Resolves also if the gateway has closed it before. */
  close(): Promise<void>;
  /** Breaks the connection off. */
  leave(): void;
}

export interface Asking {
  /** Resolves when a part of the answer, or all of it, has come. */
  readonly begun: Promise<void>;
  readonly told: Promise<Told>;
}

export interface Told {
  readonly isAllowed: boolean;
  /** The answer, or the reason why there is none; empty if the connection was cut. */
  readonly text: string;
  /** The last bytes of the request as they crossed the client's connection. */
  readonly sent: Buffer;
  /** The last bytes of the answer as they crossed the client's connection. */
  readonly answered: Buffer;
}

/** Makes an `Asking`. Its `begun` resolves with the first call of `onBegun`, or at the latest with the end. */
export function asking(tell: (onBegun: () => void) => Promise<Told>): Asking {
  const begun = Promise.withResolvers<void>();
  const told = tell(begun.resolve).finally(begun.resolve);
  return { begun: begun.promise, told };
}
