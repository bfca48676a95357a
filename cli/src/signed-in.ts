import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { IssuerSummary } from '@countersign/gateway/api';
import { holdFile, writeWholeFile } from '@countersign/gateway/store';

/** A token that ends sooner is refreshed before it is used. */
const restMsMin = 60_000;
/** A command waits this long for another one that refreshes the same token. */
const waitMs = 30_000;

/** The credential of a person who signed in. The file that holds it is readable by this user alone. */
export interface SignedIn {
  /** Null: the person is a local administrator of the gateway. */
  readonly issuer: IssuerSummary | null;
  readonly token: string;
  /** Milliseconds since 1970, UTC. */
  readonly expiresMs: number;
  /** Null: the issuer gave none. */
  readonly refreshToken: string | null;
}

/** By the address of a gateway: a token is shown to no other. */
type Credentials = Readonly<Record<string, SignedIn>>;

/** Settles when this process refreshes no token. */
let refreshing: Promise<unknown> = Promise.resolve();

function directory(): string {
  const { XDG_STATE_HOME: state = '' } = process.env;
  return join(isAbsolute(state) ? state : join(homedir(), '.local', 'state'), 'countersign');
}

/** The file with the credentials of those who signed in. */
export function credentialsFile(): string {
  return join(directory(), 'credentials.json');
}

/** Reads who signed in at a gateway; null if nobody did. Throws an Error if others could read the file. */
export function readSignedIn(gateway: string): SignedIn | null {
  return readCredentials()[gateway] ?? null;
}

/** Keeps a credential for a gateway in place of the one before. Null: removes it. */
export function keepSignedIn(gateway: string, credential: SignedIn | null): void {
  using _held = hold();
  replaceSignedIn(gateway, credential);
}

/**
 * Returns the token of who signed in at a gateway, refreshed if it ends soon; null if nobody did. Rejects with an Error that says what to do if it cannot be
 * refreshed.
 */
export async function findSignedIn(gateway: string): Promise<string | null> {
  const known = readSignedIn(gateway);
  if (known === null || isLongEnough(known)) {
    return known?.token ?? null;
  }
  // The lock below makes the whole process wait, also for what it does itself.
  const refreshed = refreshing.then(async () => refreshSignedIn(gateway));
  refreshing = refreshed.catch(() => undefined);
  return refreshed;
}

async function refreshSignedIn(gateway: string): Promise<string | null> {
  // Many issuers accept a refresh token once, and take a second use for theft: one command at a time refreshes.
  using _held = hold();
  const now = readSignedIn(gateway);
  if (now === null || isLongEnough(now)) {
    return now?.token ?? null;
  }
  // Loaded here, because it is needed only now and then, and loads much.
  const { refresh } = await import('./issuer-client.ts');
  const refreshed = await refresh(gateway, now);
  replaceSignedIn(gateway, refreshed);
  return refreshed.token;
}

function isLongEnough({ expiresMs }: SignedIn): boolean {
  return expiresMs - Date.now() > restMsMin;
}

/** Keeps other commands of this user from changing the file meanwhile. The kernel gives the lock back if the command ends. */
function hold(): Disposable {
  mkdirSync(directory(), { recursive: true, mode: 0o700 });
  const held = holdFile(join(directory(), 'credentials.lock'), waitMs);
  if (held === null) {
    throw new Error('another command has been refreshing the token for too long: try again');
  }
  return held;
}

function readCredentials(): Credentials {
  const file = credentialsFile();
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) {
    return {};
  }
  if ((found.mode & 0o077) !== 0) {
    throw new Error(`${file} can be read by other users, and holds tokens: chmod 600 it, or remove it and sign in again`);
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Error(`${file} is not whole: remove it, and sign in again`);
  }
}

function replaceSignedIn(gateway: string, credential: SignedIn | null): void {
  const { [gateway]: _before, ...others } = readCredentials();
  writeWholeFile(credentialsFile(), `${JSON.stringify({ ...others, ...(credential === null ? {} : { [gateway]: credential }) })}\n`);
}
