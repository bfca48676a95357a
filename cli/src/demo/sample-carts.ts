import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.ts';

export interface SampleCarts extends AsyncDisposable {
  readonly url: string;
}

const attemptsMax = 5;
const carts = ['HSET cart:1 item "analytical engine" told ada@example.com', 'HSET cart:2 item "tape, endless" told alan@example.com'];

/** Starts a Redis with the carts of customers for the demo. Null: there is no redis-server on this machine. */
export async function openSampleCarts(password: string): Promise<SampleCarts | null> {
  for (let attempt = 1; ; attempt += 1) {
    const opened = await open(password, await freePort());
    if (opened !== 'taken') {
      return opened;
    }
    if (attempt === attemptsMax) {
      throw new Error('redis-server does not start');
    }
  }
}

/** `taken`: another program has the port meanwhile. */
async function open(password: string, port: number): Promise<SampleCarts | null | 'taken'> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-carts-'));
  const config = join(directory, 'redis.conf');
  writeFileSync(config, `bind 127.0.0.1\nport ${port}\nsave ""\ndir ${directory}\nuser default off\nuser shop on >${password} ~* &* +@all\n`, { mode: 0o600 });
  const child = spawn('redis-server', [config], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'close').catch(() => undefined);
  const remove = (): void => {
    rmSync(directory, { recursive: true, force: true });
  };
  const isReady = await new Promise<boolean | null>((resolve) => {
    child.once('error', () => {
      resolve(null);
    });
    child.once('exit', () => {
      resolve(false);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('Ready to accept connections')) {
        resolve(true);
      }
    });
  });
  if (isReady !== true) {
    await ended;
    remove();
    return isReady === null ? null : 'taken';
  }
  const filling = connect(port, '127.0.0.1');
  filling.end([`AUTH shop ${password}`, ...carts, 'QUIT', ''].join('\r\n'));
  await once(filling.resume(), 'close');
  return {
    url: `redis://shop@127.0.0.1:${port}/0`,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      remove();
    },
  };
}
