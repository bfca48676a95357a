import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { GatewayProcess } from './gateway-process.ts';

/** Clients that ask over HTTP, each from an address of its own, because after a refusal the next request of one waits longer. */
export class ManyClients {
  #count = 0;

  /** Has another client ask for a path of the gateway. Returns the status of the answer. */
  async ask(gateway: GatewayProcess, path: string, token: string): Promise<number | undefined> {
    this.#count += 1;
    const asked = request(`http://127.0.0.1:${gateway.port('http')}${path}`, {
      localAddress: `127.0.${1 + Math.floor(this.#count / 200)}.${1 + (this.#count % 200)}`,
      agent: false,
      headers: { authorization: `Bearer ${token}` },
    });
    asked.end();
    const [answer]: IncomingMessage[] = await once(asked, 'response');
    answer?.resume();
    return answer?.statusCode;
  }
}
