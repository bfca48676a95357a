import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { GatewayError } from '../../domain/errors.ts';
import type { Channel } from '../../domain/channel.ts';
import type { TargetCommand } from '../../domain/target.ts';
import type { ServerCommand } from './server-process.ts';
import { openStdioExchange, type StdioExchange } from './stdio-exchange.ts';

/** Most servers of one target that one session runs at once. If there are more, the least recently used one is ended. */
const serversMax = 16;
const idBytes = 16;

export interface StdioServer {
  /** The id by which the client names the server. */
  readonly id: string;
  readonly exchange: StdioExchange;
  /** True if the server takes requests of a revision without sessions. */
  readonly isShared: boolean;
}

/** The server processes that one session of the gateway runs for one target. No other session reaches them: an id is valid in its own session only. */
export class StdioServers implements AsyncDisposable {
  readonly command: ServerCommand;
  /** The servers by id. The one that was used last is last. */
  readonly #servers = new Map<string, StdioServer>();
  #isEnded = false;

  constructor(command: ServerCommand) {
    this.command = command;
  }

  /** Starts a server. If there are too many, the least recently used one is ended. Rejects with GatewayError `target_unreachable` or `stopping`. */
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

  /** Returns a server for a request that contains all that it needs: one with no open request of the same id. Rejects as `start` does. */
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

/** The servers of all sessions of a gateway. They end with the session. If its activity continues in another session, they continue there. */
export class ServersOfSessions implements AsyncDisposable {
  readonly #byActivity = new Map<string, Map<string, StdioServers>>();

  /** Returns the servers of a channel's session for a target. If the command or a secret of it was changed, the old servers are ended. */
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

  /** Ends the servers of sessions that were not ended in time. */
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
