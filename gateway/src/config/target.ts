import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import type { Protocol } from '../domain/protocol.ts';
import type { SecretReader, Target } from '../domain/target.ts';
import type { Problem } from './parse.ts';
import type { RawTarget } from './schema.ts';

export interface TargetContext {
  readonly protocols: readonly Protocol[];
  readonly environment: NodeJS.ProcessEnv;
  /** Directory of the configuration file. */
  readonly base: string;
  /** What is wrong is added here. */
  readonly problems: Problem[];
}

/** A target of the configuration; null when there is a problem with it. */
export function parseTarget(name: string, raw: RawTarget, context: TargetContext): Target | null {
  const problem = (field: string, message: string): null => {
    context.problems.push({ path: ['targets', name, field], message });
    return null;
  };
  const url = raw.url === undefined ? null : parseUrl(raw.url);
  if (raw.url !== undefined && url === null) {
    return problem('url', 'this is no URL like SCHEME://USER@HOST:PORT/PATH');
  }
  if (url !== null && url.password !== '') {
    return problem('url', 'a password is not written here: give password: { env: VARIABLE } or { file: PATH }');
  }
  const scheme = url?.protocol.slice(0, -1);
  const protocol = context.protocols.find(({ id, schemes }) => id === raw.protocol || (raw.protocol === undefined && schemes.includes(scheme ?? '')));
  if (protocol === undefined) {
    return problem(raw.protocol === undefined ? 'url' : 'protocol', `no protocol is named so; known are ${context.protocols.map(({ id }) => id).join(', ')}`);
  }
  const host = raw.host ?? url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  if (host === '') {
    return problem('url', 'the host is missing');
  }
  try {
    return {
      name,
      protocol: protocol.id,
      host,
      port: raw.port ?? (Number(url?.port ?? 0) || protocol.defaultPort),
      path: raw.database ?? decodeURIComponent(url?.pathname.slice(1) ?? ''),
      user: raw.user ?? decodeURIComponent(url?.username ?? ''),
      durability: raw.durability,
      options: protocol.parseOptions({ ...Object.fromEntries(url?.searchParams ?? []), ...raw.options }),
      ...(raw.password === undefined ? {} : { password: secretReader(raw.password, context) }),
    };
  } catch (error) {
    if (error instanceof GatewayError) {
      return problem(error.message.startsWith('password') ? 'password' : 'options', error.message);
    }
    throw error;
  }
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** Reads the secret each time it is asked for; now once, to say at once that it is missing. */
function secretReader(secret: { env: string } | { file: string }, context: TargetContext): SecretReader {
  const read = (): string => {
    if ('env' in secret) {
      const value = context.environment[secret.env];
      if (value === undefined) {
        throw new GatewayError('config_invalid', `password: the environment has no variable ${secret.env}`);
      }
      return value;
    }
    const file = resolve(context.base, secret.file);
    try {
      return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    } catch (cause) {
      throw new GatewayError('config_invalid', `password: the file ${file} cannot be read`, { cause });
    }
  };
  read();
  return read;
}
