import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument, isNode, type Document } from 'yaml';
import { GatewayError } from '../domain/errors.ts';
import { defaultLimits } from '../domain/limits.ts';
import type { Protocol } from '../domain/protocol.ts';
import type { Address, Config } from './config.ts';
import { configSchema, type RawConfig } from './schema.ts';
import { parseTarget } from './target.ts';

const configBytesMax = 4 * 1024 * 1024;
const problemsMax = 20;
const defaultListen: Readonly<Record<string, string>> = { http: '127.0.0.1:7070' };
const foreverToNull = (days: number | 'forever'): number | null => (days === 'forever' ? null : days);

/** Where a problem is, as a path into the document. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Errors: `config_invalid` with every problem and its place. */
export function readConfig(file: string, protocols: readonly Protocol[], environment: NodeJS.ProcessEnv): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new GatewayError('config_invalid', `${file} cannot be read. Create it, or name another with --config FILE.`, { cause });
  }
  return parseConfig(text, { file: resolve(file), protocols, environment });
}

export interface ParseContext {
  readonly file: string;
  readonly protocols: readonly Protocol[];
  readonly environment: NodeJS.ProcessEnv;
}

export function parseConfig(text: string, context: ParseContext): Config {
  if (Buffer.byteLength(text) > configBytesMax) {
    throw new GatewayError('config_invalid', `${context.file} is longer than ${configBytesMax} bytes.`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fail = (problems: readonly Problem[]): never => {
    const shown = problems.slice(0, problemsMax).map((problem) => `${place(document, lines, context.file, problem.path)}: ${problem.message}`);
    throw new GatewayError('config_invalid', shown.join('\n'));
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    throw new GatewayError('config_invalid', `${context.file}:${line}:${col}: ${syntax.message}`);
  }
  const outcome = configSchema(context.protocols.map(({ id }) => id)).safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (!outcome.success) {
    return fail(outcome.error.issues.map(({ path, message }) => ({ path, message })));
  }
  const problems: Problem[] = [];
  const config = build(outcome.data, context, problems);
  return problems.length > 0 ? fail(problems) : config;
}

function build(raw: RawConfig, context: ParseContext, problems: Problem[]): Config {
  const base = dirname(context.file);
  const targets = new Map(
    Object.entries(raw.targets).flatMap(([name, target]) => {
      const parsed = parseTarget(name, target, { ...context, base, problems });
      return parsed === null ? [] : [[name, parsed] as const];
    }),
  );
  const principals = new Map(Object.entries(raw.principals).map(([id, principal]) => [id, { id, ...principal }] as const));
  for (const principal of principals.values()) {
    for (const [i, target] of principal.targets.entries()) {
      if (!(target in raw.targets)) {
        problems.push({ path: ['principals', principal.id, 'targets', i], message: `there is no target "${target}"` });
      }
    }
  }
  const listen = Object.entries({ ...defaultListen, ...raw.listen }).flatMap(([id, address]) =>
    address === undefined ? [] : [[id, parseAddress(address)] as const],
  );
  return Object.freeze({
    file: context.file,
    data: resolve(base, raw.data),
    listen: new Map(listen),
    tls: raw.tls === undefined ? null : { certFile: resolve(base, raw.tls.cert), keyFile: resolve(base, raw.tls.key) },
    targets,
    principals,
    retention: { metaDays: foreverToNull(raw.retention.facts), contentDays: foreverToNull(raw.retention.content) },
    limits: { ...defaultLimits, ...dropUndefined(raw.limits) },
  });
}

function dropUndefined(limits: RawConfig['limits']): Partial<Config['limits']> {
  // Entries without a value are left out, so what remains are numbers.
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) as Partial<Config['limits']>;
}

export function parseAddress(address: string): Address {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

/** `file:line:column: path` of the innermost part of the path that is in the document. */
function place(document: Document, lines: LineCounter, file: string, path: readonly PropertyKey[]): string {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range !== undefined && node.range !== null) {
      const { line, col } = lines.linePos(node.range[0]);
      return `${file}:${line}:${col}: ${path.join('.') || 'the file'}`;
    }
  }
  return `${file}: ${path.join('.')}`;
}
