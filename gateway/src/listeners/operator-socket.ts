import { once } from 'node:events';
import { lstatSync, mkdtempSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { basename, dirname, join } from 'node:path';
import type { NodeRequest, NodeResponse } from '../exchange/exchange.ts';

const connectionsMax = 64;
const headMs = 10_000;

/**
 * The API for the operator of this machine, on a Unix socket in a directory of its own, where only the gateway's user can connect. Floods of connections at the
 * other listeners cannot take its places. The socket is not in the data directory, because that can be copied as it is.
 */
export class OperatorSocket implements AsyncDisposable {
  readonly path: string;
  readonly #server: Server;

  readonly #directory: string;

  private constructor(directory: string, server: Server) {
    this.#directory = directory;
    this.path = socketIn(directory);
    this.#server = server;
  }

  /**
   * Opens the socket in a new directory below `parent`, which need not outlive the process. Rejects with errors of the file system, and if the path is too long
   * for a socket.
   */
  static async open(parent: string, onApi: (request: NodeRequest, response: NodeResponse) => void): Promise<OperatorSocket> {
    const directory = mkdtempSync(join(parent, 'countersign-'));
    const server = createServer({ headersTimeout: headMs, requestTimeout: 0 }, onApi);
    server.maxConnections = connectionsMax;
    server.listen(socketIn(directory));
    await once(server, 'listening');
    return new OperatorSocket(directory, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.#directory, { recursive: true, force: true });
    await Promise.resolve();
  }
}

/** Removes the socket of a gateway that was killed, with its directory. Whatever else the path names stays. */
export function removeLeftSocket(path: string): void {
  const directory = dirname(path);
  if (path !== socketIn(directory) || !/^countersign-\w{6}$/.test(basename(directory))) {
    return;
  }
  try {
    if (lstatSync(path).isSocket()) {
      unlinkSync(path);
      rmdirSync(directory);
    }
  } catch {
    // Somebody else may have removed it, as a start of the machine does.
  }
}

function socketIn(directory: string): string {
  return join(directory, 'operator.sock');
}
