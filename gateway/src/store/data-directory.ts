import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import { systemErrorWords } from './system-error.ts';

/**
 * Makes the data directory and its parents, if they are missing, for the gateway's user alone. Throws GatewayError `config_invalid` if it cannot be made or
 * cannot be written; the message says why.
 */
export function makeDataDirectory(data: string): void {
  const missing: string[] = [];
  let at = data;
  try {
    for (; !isThere(at) && at !== dirname(at); at = dirname(at)) {
      missing.unshift(at);
    }
    // The directories are made one by one, because a recursive mkdir never returns on a file system that refuses new directories without an error (/proc).
    for (at of missing) {
      mkdirSync(at, { mode: 0o700 });
    }
    at = data;
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const words = systemErrorWords(cause) ?? 'it is not known why';
    throw new GatewayError(
      'config_invalid',
      `The data directory ${data} cannot be ${missing.length > 0 ? 'made' : 'used'}: ${at}: ${words}. Name another: data: DIR, or --data DIR.`,
      {
        cause,
      },
    );
  }
}

/** A data directory in which a gateway has started has at least one of these. */
const marks = ['keys.db', 'index.db', 'log/key'];
/** `token create` makes this file before the first start. */
const tokensFile = 'identity.db';

/**
 * Checks that a data directory exists and can be read. Throws GatewayError `not_found`; the message says what is missing, or that this user may not read it.
 */
export function requireDataDirectory(data: string): void {
  try {
    statSync(`${data}/journal`);
    accessSync(data, constants.R_OK | constants.X_OK);
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR');
    const words = isMissing ? whatIsMissing(data) : `cannot be read: ${systemErrorWords(cause) ?? ''}. Run this as the gateway's user`;
    throw new GatewayError('not_found', `${data} ${words}.`, { cause });
  }
}

function whatIsMissing(data: string): string {
  if (marks.some((name) => isThere(`${data}/${name}`))) {
    return "is a gateway's data directory without its journal/, which is all that was recorded: restore it. countersign verify --data DIR says what else is missing";
  }
  if (isThere(`${data}/${tokensFile}`)) {
    return 'holds tokens and no record: no gateway has started here yet. countersign up starts one';
  }
  return `is no data directory of a gateway: ${isThere(data) ? 'it holds no journal/' : 'there is no such directory'}. countersign up makes one, --config FILE or --data DIR names another`;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
