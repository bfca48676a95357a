import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections and to who asks for any port: from 32,768 on Linux, from 49,152 by RFC 6335. */
const [lowest, behind] = [10_000, 32_768];
const triesMax = 100;

/**
 * Returns a loopback port on which nobody listens now, for a program that cannot take any free port by itself. Nobody else gets it in between, unless he asks
 * for this very port, and it can be taken again after it was closed.
 */
export async function freePort(): Promise<number> {
  for (let i = 0; i < triesMax; i++) {
    const port = randomInt(lowest, behind);
    if (await isFree(port)) {
      return port;
    }
  }
  throw new Error(`${triesMax} ports between ${lowest} and ${behind} were tried, and programs listen on all of them`);
}

async function isFree(port: number): Promise<boolean> {
  await using server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  return true;
}
