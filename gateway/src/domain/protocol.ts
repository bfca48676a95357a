import type { ActionDefinition } from './action.ts';
import type { Bridge } from './bridge.ts';
import type { ConnectionDoor, ConnectionInstructions } from './connection-instructions.ts';
import type { OptionsSchema } from './options.ts';
import type { OpenedRecord, Rendering } from './record.ts';
import type { ExchangeReplay, StreamReplay } from './replay.ts';
import type { TargetFacts } from './target.ts';

/**
 * The facts of a protocol: they never change, and they are all that reading a configuration or a recording takes. A protocol is a folder and one line in the registry. The rest of the gateway knows it by
 * these facts and by the service that it creates (`StreamProtocol`, `ExchangeProtocol`); the protocol knows the gateway by `Door`, `Channel` and `ServiceParts`.
 */
export type Protocol = StreamFacts | ExchangeFacts;

/** The facts of a protocol with a wire of its own. */
export interface StreamFacts extends ProtocolFacts {
  readonly transport: 'stream';
  /** The way in which a recording stands in for a target. */
  readonly replay: StreamReplay;
}

/** The facts of a protocol over HTTP. */
export interface ExchangeFacts extends ProtocolFacts {
  readonly transport: 'exchange';
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
