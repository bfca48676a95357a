import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { GatewayError } from '../../domain/errors.ts';
import type { Channel } from '../../domain/channel.ts';
import type { TargetCommand } from '../../domain/target.ts';
import type { ServerCommand } from './server-process.ts';
import { openStdioExchange, type StdioExchange } from './stdio-exchange.ts';

/** Servers that one session runs of one target at once; past it the one that was asked longest ago is ended. */
const serversMax = 16;
const idBytes = 16;

export interface StdioServer {
  /** The id by which its client names it. */
  readonly id: string;
  readonly exchange: StdioExchange;
  /** The server takes requests of a revision without sessions. */
  readonly isShared: boolean;
}

/** The server processes that one session of the gateway runs for one target. No other session reaches them: an id is valid in its own session only. */
export class StdioServers implements AsyncDisposable {
  readonly command: ServerCommand;
  /** The servers by id; the one that was asked last comes last. */
  readonly #servers = new Map<string, StdioServer>();
  #isEnded = false;

  constructor(command: ServerCommand) {
    this.command = command;
  }

  /** Starts a server. Past the limit of servers the oldest is ended. Errors: `target_unreachable`, `stopping`. */
  async start(isShared = false): Promise<StdioServer> {
    const exchange = await openStdioExchange(this.command);
    if (this.#isEnded) {
      await exchange[Symbol.asyncDispose]();
      throw new GatewayError('stopping', 'The session has ended.');
    }
    const server = { id: randomBytes(idBytes).toString('hex'), exchange, isShared };
    const [oldest] = this.#servers.values();
    if (oldest !== undefined && this.#servers.size >= serversMax) {
      this.#servers.delete(oldest.id);
      void oldest.exchange[Symbol.asyncDispose]();
    }
    this.#servers.set(server.id, server);
    return server;
  }

  /** A server for a request that says all it needs itself, of those where its id is free. Errors: as `start`. */
  async share(requestId: string | null): Promise<StdioServer> {
    const free = [...this.#servers.values()].find(({ exchange, isShared }) => isShared && !exchange.isPending(requestId));
    return free === undefined ? this.start(true) : this.#touch(free);
  }

  /** Finds a server by its session id. Throws GatewayError `malformed` without an id, `not_found` for an unknown id: the client must then begin again. */
  find(id: string | undefined): StdioServer {
    if (id === undefined) {
      throw new GatewayError('malformed', 'The header mcp-session-id is missing: a client begins with initialize.');
    }
    const server = this.#servers.get(id);
    if (server === undefined || server.isShared) {
      throw new GatewayError('not_found', 'There is no such session with the server: begin again with initialize.');
    }
    return this.#touch(server);
  }

  /** Ends the server with this session id. Throws as `find` does. */
  async end(id: string | undefined): Promise<void> {
    const server = this.find(id);
    this.#servers.delete(server.id);
    await server.exchange[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    await Promise.all([...this.#servers.values()].map(async ({ exchange }) => exchange[Symbol.asyncDispose]()));
    this.#servers.clear();
  }

  #touch(server: StdioServer): StdioServer {
    this.#servers.delete(server.id);
    this.#servers.set(server.id, server);
    return server;
  }
}

/** The servers of all sessions of a gateway: they end with the session, and go on where its activity goes on in the next. */
export class ServersOfSessions implements AsyncDisposable {
  readonly #byActivity = new Map<string, Map<string, StdioServers>>();

  /** A command that was changed in the meantime, or a secret of it, ends what runs by the old one. */
  of(channel: Channel, target: TargetCommand): StdioServers {
    const byTarget = this.#byActivity.get(channel.activity) ?? this.#keep(channel);
    const { name } = channel.target;
    const command = commandOf(target);
    const known = byTarget.get(name);
    if (known !== undefined && isDeepStrictEqual(known.command, command)) {
      return known;
    }
    void known?.[Symbol.asyncDispose]();
    const servers = new StdioServers(command);
    byTarget.set(name, servers);
    return servers;
  }

  /** Ends what is left where sessions were not ended in time. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#byActivity.keys()].map(async (activity) => this.#end(activity)));
  }

  #keep(channel: Channel): Map<string, StdioServers> {
    const byTarget = new Map<string, StdioServers>();
    const { activity } = channel;
    this.#byActivity.set(activity, byTarget);
    channel.onSessionEnd(async () => this.#end(activity));
    return byTarget;
  }

  async #end(activity: string): Promise<void> {
    const byTarget = this.#byActivity.get(activity) ?? new Map<string, StdioServers>();
    this.#byActivity.delete(activity);
    await Promise.all([...byTarget.values()].map(async (servers) => servers[Symbol.asyncDispose]()));
  }
}

function commandOf({ argv, environment, directory }: TargetCommand): ServerCommand {
  return { argv, directory, environment: Object.fromEntries(Object.entries(environment).map(([name, read]) => [name, read()])) };
}
