import type { Action, ActionDefinition, GivenIds } from './action.ts';
import type { Authorization, Decision } from './decision.ts';
import type { GatewayError } from './errors.ts';
import type { CallOptions, CallReceiver, Exchange, UpstreamCall } from './exchange.ts';
import type { Grant } from './grant.ts';
import type { Limits } from './limits.ts';
import type { OptionsSchema } from './options.ts';
import type { OpenedRecord, RecordKind, RecordMeta, Rendering } from './record.ts';
import type { ExchangeReplay, StreamReplay } from './replay.ts';
import type { Steps } from './step.ts';
import type { Target, TargetFacts } from './target.ts';
import type { TextChange } from './text-change.ts';

/**
 * A protocol is a folder and one line in the registry. This is all that the rest of the gateway knows of it, and
 * `Door`, `Channel` and `ServiceParts` are all that it knows of the gateway. The value itself never changes: what changes is in the service that it creates.
 */
export type Protocol = StreamProtocol | ExchangeProtocol;

/** A protocol with a listener and a wire of its own. */
export interface StreamProtocol extends ProtocolFacts {
  readonly transport: 'stream';
  /** Makes what serves the clients of one gateway. */
  create(parts: ServiceParts): StreamService;
  /** The way in which a recording stands in for a target. */
  readonly replay: StreamReplay;
}

/** A protocol over HTTP: its targets are below `/t/TARGET` of the one HTTP listener. */
export interface ExchangeProtocol extends ProtocolFacts {
  readonly transport: 'exchange';
  /** Makes what serves the clients of one gateway. */
  create(parts: ServiceParts): ExchangeService;
  /** The way in which a recording stands in for a target. */
  readonly replay: ExchangeReplay;
}

interface ProtocolFacts {
  readonly id: string;
  readonly title: string;
  /** URL schemes that a target's `url` may have, each with its default port. If several protocols accept a scheme, the first registered is the default. */
  readonly schemes: Readonly<Record<string, number>>;
  /** A target may be a program that the gateway starts, `command` of the configuration. If several protocols accept a program, the first registered is the default. */
  readonly takesCommand?: boolean;
  readonly actions: readonly ActionDefinition[];
  /** A target's own options, from the URL's query and the configuration. */
  readonly options: OptionsSchema;
  /** The options of a target, with what those come to that it does not say where that depends on the target. For people. */
  inEffect?(target: TargetFacts): Readonly<Record<string, unknown>>;
  /** Instructions for a person or an agent to connect: shown by the CLI and the console, set as environment by `run`. */
  connection(door: ConnectionDoor): ConnectionInstructions;
  /** A command of the CLI with the protocol's id, for clients that speak the protocol over their standard input and output alone. */
  readonly bridge?: Bridge;
  /** Makes a record readable for people. Pure; any bytes are acceptable input. `earlier` finds a record of the same session by its seq. */
  render(record: OpenedRecord, earlier: (seq: number) => OpenedRecord | null): Rendering;
}

/** The parts of a gateway that its protocols share. */
export interface ServiceParts {
  readonly steps: Steps;
}

/** A protocol in one gateway. It owns all that changes while the gateway serves, and shares nothing of it with another gateway. Disposed of when nobody is served any more. */
interface Service extends Partial<AsyncDisposable> {
  /** Takes over the values recorded under `countersign.told`, the last for each key of each target. Called before anything is served. */
  readonly recall?: (told: readonly Told[]) => void;
}

interface StreamService extends Service {
  /** Serves one client from its first byte to its last. Resolves when the connection is over; never rejects with a GatewayError. */
  serve(client: Client, door: Door): Promise<void>;
}

export interface ExchangeService extends Service {
  /** Serves one request. Resolves when its answer has ended; never rejects with a GatewayError. */
  serve(exchange: Exchange, door: Door): Promise<void>;
}

/** A protocol beside its service in one gateway. */
export interface Served<One extends Protocol> {
  readonly protocol: One;
  readonly service: ReturnType<One['create']>;
}

export interface Told {
  readonly target: string;
  readonly key: string;
  readonly value: string;
}

export interface Bridge {
  /** A description of what the command does, for its help. */
  readonly title: string;
  /** Resolves when the input has ended and what it asked for is answered. */
  run(options: BridgeOptions): Promise<void>;
}

export interface BridgeOptions {
  /** The address of the target at the gateway. */
  readonly url: string;
  readonly token: string;
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when it was taken. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

export interface ConnectionDoor {
  /** The listener speaks TLS. */
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly target: string;
  /** The target's options, by the protocol's own schema. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly token: string;
}

export interface ConnectionInstructions {
  readonly url: string;
  /** The variables that usual clients read, for instance PGHOST. */
  readonly environment: Readonly<Record<string, string>>;
  /** A command to type, without the token. */
  readonly command: string;
}

/** A socket whose bytes are first read one piece at a time (login), then handed over as they come (relay). */
export interface ByteStream {
  /** The next bytes, or null at the end. `limitMs` from now; a GatewayError `deadline_exceeded` past it. */
  read(limitMs: number): Promise<Buffer | null>;
  /** Gives bytes back to be read next. */
  unread(bytes: Buffer): void;
  /** From now on all bytes, the unread ones first, go to the receiver. Called once, after the last `read`. */
  flow(receiver: Receiver): void;
  pause(): void;
  resume(): void;
  /** Bytes accepted for sending that the kernel is too slow to take: 0 while it keeps up, else `onDrain` follows. */
  readonly queuedBytes: number;
  /** Bytes that are sent between `cork` and `uncork` leave together. */
  cork(): void;
  uncork(): void;
  /** Sends what is queued, then closes. Nothing more is read; a peer that does not take it in a few seconds is cut off. */
  end(): void;
  /** Closes at once; what is queued is lost. */
  destroy(): void;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;
}

export interface Receiver {
  onBytes(bytes: Buffer): void;
  /** The peer closed its half, or the connection broke (`error`). Called once. */
  onEnd(error: Error | null): void;
  /** The kernel has taken all queued bytes. */
  onDrain(): void;
}

/** The accepted connection. Implemented by `wire/connection.ts` over a socket. */
export interface Client extends ByteStream {
  readonly address: string;
  readonly isLoopback: boolean;
  readonly isEncrypted: boolean;
  /** Set when the connection came through an authenticated tunnel: the credential is already known. */
  readonly tunnel: TunnelIdentity | null;
  /** Queues bytes for the peer. */
  write(bytes: Uint8Array): void;
  /** The listener has a certificate. */
  readonly canStartTls: boolean;
  /**
   * Server side of TLS. Bytes that were read in the clear and not consumed make it fail with `malformed` (ATTACKS A2). `unread` bytes of
   * a direct TLS hello are given to the handshake when `direct`.
   */
  startTls(options: { readonly direct: boolean; readonly alpnProtocols?: readonly string[] }): Promise<void>;
}

export interface TunnelIdentity {
  readonly token: string;
  readonly target: string;
}

/** Before authentication: the only thing to do is to prove who one is and name a target. */
export interface Door {
  readonly limits: Limits;
  /**
   * Opens a channel in a session (the run's, or a new one). Errors: `unauthenticated`, `throttled`, `unknown_target`, `refused`,
   * `cannot_record`, `stopping`. A refused attempt is recorded with address and reason before this rejects.
   */
  authenticate(credential: Credential): Promise<Channel>;
  /** Records that a client is turned away before it has shown a credential. Errors: `cannot_record`. */
  turnedAway(error: GatewayError): Promise<void>;
  /** Delivers a signal (a cancel key) to whichever channel registered it; false when nobody did. */
  signal(key: Uint8Array): Promise<boolean>;
}

export interface Credential {
  readonly token: string;
  readonly target: string;
  /** Name the client gave for itself; recorded, never trusted. */
  readonly user: string;
  readonly clientAddress: string;
}

/** One channel of a session, as its protocol sees it. */
export interface Channel {
  /** The id of the session that the channel belongs to: 32 hex digits. */
  readonly session: string;
  /** The id of the first session in which the activity of the token began; the session's own id if it is that one. */
  readonly activity: string;
  /** The id of the principal whose session it is. */
  readonly principal: string;
  /** Counts the channels of the session from 1. */
  readonly number: number;
  readonly target: Target;
  readonly limits: Limits;
  /** Aborted with a GatewayError (`halted`, `stopping`, `cannot_record`) when the channel must end. */
  readonly signal: AbortSignal;
  /** TCP to the target, given up when `signal`, by default the channel's own, is aborted. Errors: `target_unreachable`, or the signal's reason. */
  connect(signal?: AbortSignal): Promise<Upstream>;
  /** A call to the target over HTTP. It dials when the first grant is forwarded; errors come to the receiver. */
  call(options: CallOptions, receiver: CallReceiver): UpstreamCall;
  /**
   * Decides on an action and records the request with its decision; the grant may be spent once `committed` says so.
   * Synchronous while policy needs nobody; a held request resolves later. Throws GatewayError `cannot_record`, or
   * `limit_exceeded` when more is to be said of the request than a record holds.
   */
  request(action: Action, bytes: readonly Uint8Array[], relation?: RequestRelation): RequestOutcome | Promise<RequestOutcome>;
  /** Asks policy about an action, without a record and without a grant: for what another record says already. A denial is recorded by asking with `request`. */
  decide(action: Action, bytes: readonly Uint8Array[]): Decision;
  /** Records something that is not a request. Throws GatewayError `cannot_record`. */
  record(kind: RecordKind, meta: Omit<RecordMeta, 'channel'>, content: readonly Uint8Array[], continues?: boolean): number;
  /** Ids that the target gives to this client, before it gets them: from then on they are for whoever it is alone, across restarts. Throws GatewayError `cannot_record`. */
  give(given: GivenIds): void;
  /** Calls back, in order, when all that was recorded so far is as durable as the target wants. Exactly once per call. */
  whenCommitted(release: () => void): void;
  /** Makes this channel reachable by `Door.signal`. Disposed with the channel. */
  onSignal(key: Uint8Array, handler: () => Promise<void>): void;
  /**
   * Runs when the channel is ended from outside: stops what it left going on at the target. The channel closes in the record after it, or when `limit`,
   * soon, is aborted.
   */
  onEnding(stop: (limit: AbortSignal) => Promise<void>): void;
  /**
   * Runs when the whole session has ended, of which this is one channel, and none goes on with its activity: what was kept for it is given up. The session is closed in the
   * record by then; a stop of the gateway waits for it.
   */
  onSessionEnd(giveUp: () => Promise<void>): void;
  /** Ends the channel in the record. `reason`: `client`, `target`, `halted`, `stop`, `error` ... Idempotent. */
  close(reason: string, error?: GatewayError): Promise<void>;
}

export interface RequestRelation {
  /** A further part of an already authorised streaming request (COPY data): its seq. */
  readonly partOf?: number;
  readonly continues?: boolean;
  /** The bytes hold most of what earlier requests of the session, recorded so too, held: what is repeated is stored once. */
  readonly repeats?: boolean;
  /** Made by the protocol itself to carry out a decision (failing a transaction after a refusal); recorded, and not asked of policy. */
  readonly byGateway?: boolean;
}

export type RequestOutcome = Authorization & {
  /** What the texts of its answer go through before they are recorded and released; absent: nothing. */
  readonly changes?: readonly TextChange[];
  /** Sequence number of the request's record, of the first one where it takes several. */
  readonly seq: number;
  /** The record's global name, `LOG/INDEX`. */
  readonly record: string;
};

/** Our connection to the target. Login bytes are the gateway's own (`greet`); everything for the client goes through a grant. */
export interface Upstream extends ByteStream {
  readonly isEncrypted: boolean;
  /** The hash of the server's certificate for `tls-server-end-point` channel binding (RFC 5929); null without TLS. */
  tlsServerEndPoint(): Buffer | null;
  /** Client side of TLS. Bytes read in the clear and not consumed make it fail (ATTACKS A2). Errors: `target_tls_failed`. */
  startTls(options: UpstreamTls): Promise<void>;
  /** Bytes of the gateway's own: login, cancel, goodbye. Never a client's. */
  greet(bytes: Uint8Array): void;
  /** Forwards an authorised request. */
  forward(grant: Grant): void;
}

export interface UpstreamTls {
  /** `require` encrypts; `verify-full` also checks chain and name. */
  readonly mode: 'require' | 'verify-full';
  readonly caFile?: string;
  readonly alpnProtocols?: readonly string[];
}
