import type { ActionDefinition, Attributes } from './action.ts';
import type { ContextField } from './context-field.ts';
import type { Bridge } from './bridge.ts';
import type { ConnectionDoor, ConnectionInstructions } from './connection-instructions.ts';
import type { OptionsSchema } from './options.ts';
import type { OpenedRecord, Rendering } from './record.ts';
import type { ExchangeReplay, StreamReplay } from './replay.ts';
import type { TargetFacts } from './target.ts';
import type { PlaceKind } from './value-place.ts';

/**
 * The facts of a protocol. They never change, and reading a configuration or a recording needs nothing else. A protocol is a folder and one line in the
 * registry. The rest of the gateway uses these facts and the service that the protocol creates (`StreamProtocol`, `ExchangeProtocol`). The protocol uses
 * `Door`, `Channel` and `ServiceParts`.
 */
export type Protocol = StreamFacts | ExchangeFacts;

/** The facts of a protocol with a wire of its own. */
export interface StreamFacts extends ProtocolFacts {
  readonly transport: 'stream';
  /** How a recording takes the place of a target. */
  readonly replay: StreamReplay;
}

/** The facts of a protocol over HTTP. */
export interface ExchangeFacts extends ProtocolFacts {
  readonly transport: 'exchange';
  /** True if its clients may use a listener of its own, which its service describes. Absent: its targets are below `/t/TARGET` of the HTTP listener alone. */
  readonly hasListener?: true;
  /** How a recording takes the place of a target. */
  readonly replay: ExchangeReplay;
}

/** Returns the name of the listener for the clients of a protocol, as the configuration has it: its id, or `http`. */
export function listenerOf(protocol: Protocol): string {
  return protocol.transport === 'stream' || protocol.hasListener === true ? protocol.id : 'http';
}

interface ProtocolFacts {
  readonly id: string;
  readonly title: string;
  readonly valuePlaces: PlaceKind;
  /** True if its own listener always encrypts, without `tls` of the configuration. */
  readonly isEncrypted?: true;
  /** URL schemes that a target's `url` may have, each with its default port. If several protocols accept a scheme, the first registered is the default. */
  readonly schemes: Readonly<Record<string, number>>;
  /**
   * True if a target may be a program that the gateway starts (`command` in the configuration). If several protocols accept a program, the first registered is
   * the default.
   */
  readonly takesCommand?: boolean;
  readonly actions: readonly ActionDefinition[];
  /** The facts about its requests that policies may speak of, beside those that all protocols have. */
  readonly context: readonly ContextField[];
  /** Policies, as text in Cedar, that are in force where a target speaks the protocol, unless the operator's own file `built-in.cedar` takes their place. */
  readonly policies?: string;
  /** Returns the facts about a request that is written as text, for policies that are tried out. Absent: the protocol has no such form. */
  readExample?(text: string, target: Pick<TargetFacts, 'options'>): Promise<Attributes>;
  /** The schema of a target's own options, from the URL's query and the configuration. */
  readonly options: OptionsSchema;
  /** The names of the options that are files. In the configuration their paths start from its directory; a target has them absolute. Absent: there are none. */
  readonly fileOptions?: readonly string[];
  /** Returns the options of a target as people should see them, including defaults that depend on the target. */
  inEffect?(target: TargetFacts): Readonly<Record<string, unknown>>;
  /** Returns instructions for a person or an agent to connect. The CLI and the console show them, and `run` sets them as environment. */
  connection(door: ConnectionDoor): ConnectionInstructions;
  /** A command of the CLI with the protocol's id, for clients that speak the protocol only over standard input and output. */
  readonly bridge?: Bridge;
  /**
   * Makes a record readable for people. It has no side effects, and any bytes are acceptable input. `earlier` finds a record of the same session by its
   * sequence number.
   */
  render(record: OpenedRecord, earlier: (seq: number) => OpenedRecord | null): Rendering;
}
