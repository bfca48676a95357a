import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findData, isStoreInUse } from '@countersign/gateway/location';
import { loadConfig } from './configuration.ts';
import type { LocationOptions } from './location-options.ts';
import { findSignedIn } from './signed-in.ts';

export interface ApiLocation {
  readonly url: string;
  /** The socket of the gateway on this machine, which works even if its ports are flooded. Null if it has none, and for a gateway elsewhere. */
  readonly socket: string | null;
  readonly token: string;
}

/** Returns the address of the API. Rejects with an Error that says what to do if no gateway runs. */
export async function locateGateway(options: LocationOptions): Promise<string> {
  if (options.url !== undefined) {
    return parseUrl(options.url);
  }
  const data = findData(options.config);
  const address = findRunning(data);
  if (address === null) {
    // If the configuration has a fault, this throws the better message.
    await loadConfig(options);
    throw new Error(`no gateway is running on ${data}: start it with countersign up --config ${options.config}`);
  }
  return `http://${address}`;
}

/**
 * Says as whom a command asks the API. `caller`: as the principal of the token in COUNTERSIGN_TOKEN if one is set, otherwise as the operator of the gateway on
 * this machine. `operator`: as the operator even if a token is set.
 */
export type Credential = 'caller' | 'operator';

/**
 * Returns the address of the API, with the socket and the token to use. Only this function decides as whom a command acts. Rejects with an Error that says what
 * to do if no gateway runs, or if COUNTERSIGN_TOKEN is empty where without it the command would act as the operator.
 */
export async function locateApi(options: LocationOptions, credential: Credential): Promise<ApiLocation> {
  const url = await locateGateway(options);
  if (options.url !== undefined) {
    return { url, socket: null, token: await callerToken(url) };
  }
  const data = findData(options.config);
  const token = credential === 'operator' ? null : findEnvironmentToken();
  // As in COUNTERSIGN_TOKEN=$(cat FILE) without the file: who means to be somebody is not made the operator.
  if (credential === 'caller' && token === null && process.env['COUNTERSIGN_TOKEN'] !== undefined) {
    throw new Error('COUNTERSIGN_TOKEN is set and empty: put a token into it, or unset it to act as the operator');
  }
  return { url, socket: findSocket(data), token: token ?? readOperatorToken(data) };
}

/** Returns the token in COUNTERSIGN_TOKEN, else that of who signed in at the gateway. Rejects with an Error that says what to do if there is none. */
export async function callerToken(gateway: string): Promise<string> {
  const token = findEnvironmentToken() ?? (await findSignedIn(gateway));
  if (token === null) {
    throw new Error(`give a token in the environment variable COUNTERSIGN_TOKEN, or sign in: countersign login --url ${gateway}`);
  }
  return token;
}

function findEnvironmentToken(): string | null {
  const token = process.env['COUNTERSIGN_TOKEN'] ?? '';
  return token === '' ? null : token;
}

/** Returns the address of the API of the gateway that runs on this data directory; null if none runs. */
export function findRunning(data: string): string | null {
  try {
    const { http } = JSON.parse(readFileSync(join(data, 'gateway.json'), 'utf8'));
    return typeof http === 'string' && isStoreInUse(data) ? reachable(http) : null;
  } catch {
    return null;
  }
}

function findSocket(data: string): string | null {
  try {
    const { operator } = JSON.parse(readFileSync(join(data, 'gateway.json'), 'utf8'));
    return typeof operator === 'string' && existsSync(operator) ? operator : null;
  } catch {
    return null;
  }
}

/** Returns an address that can be dialled: a gateway that listens on all addresses is reached on loopback. */
function reachable(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}

function readOperatorToken(data: string): string {
  const file = join(data, 'admin.token');
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new Error(`${file} cannot be read: run this as the gateway's user, or use --url with COUNTERSIGN_TOKEN or countersign login`, { cause });
  }
  if (token === '') {
    throw new Error(`${file} is empty: remove it and start the gateway again, which makes a new one`);
  }
  return token;
}

/** Parses a URL. `HOST:PORT` alone means http:// on this machine and https:// elsewhere, because a token must not cross the network unencrypted. */
function parseUrl(text: string): string {
  const [, host] = /^(\[[0-9a-f:]+\]|[a-z0-9._-]+):\d{1,5}$/i.exec(text) ?? [];
  const whole = host === undefined ? text : `${/^(localhost|127\.[0-9.]+|\[::1\])$/i.test(host) ? 'http' : 'https'}://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error(`--url ${text}: HOST:PORT, http://HOST:PORT or https://HOST:PORT is expected`);
  }
  return url.origin;
}
