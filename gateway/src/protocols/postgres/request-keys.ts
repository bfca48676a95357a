import { GatewayError } from '../../domain/errors.ts';
import type { Asked, Keys, RequestKey } from '../../domain/replay.ts';
import { frames, parseFrontend } from './codec.ts';
import type { FrontendMessage, StatementOrPortal } from './messages.ts';
import { parseStartupPacket } from './startup.ts';
import { byteByByte } from './text-encoding.ts';
import { findTraceparent } from './traceparent.ts';

/** Of a Sync that comes alone. */
const sync = 'sync';
export const syncKey: RequestKey = plain(sync);

/**
 * What recorded requests that ask the same have in common. Statements and portals go by what they stand for, since drivers make up their names; a Sync behind what
 * is executed does not count, since it is a matter of timing whether it comes with it.
 */
export function requestKeys(): Keys {
  const named = new Names();
  let last = '';
  let isConnected = false;
  return (asked) => {
    switch (asked.action) {
      case 'postgres.connect':
        isConnected = true;
        return plain(connectKey(asked.bytes));
      case 'postgres.cancel':
      case 'postgres.refuse':
        return null;
      case 'postgres.copy':
        return plain(`${last}\n${copyKey(asked.bytes)}`);
      default: {
        if (!isConnected) {
          // What the startup packet set, which the connection's own request holds.
          return null;
        }
        const key = messagesKey(asked, named);
        last = key === null || key === sync ? last : key;
        return key === null ? null : plain(key);
      }
    }
  };
}

/** Names that drivers make up are in no key: see `Names`. */
function plain(text: string): RequestKey {
  return { text, ids: [] };
}

/** What names of statements and portals stand for in one connection. */
class Names {
  readonly #known: Readonly<Record<StatementOrPortal, Map<string, string>>> = { statement: new Map(), portal: new Map() };

  set(what: StatementOrPortal, name: string, meaning: string): string {
    this.#known[what].set(name, meaning);
    return meaning;
  }

  find(what: StatementOrPortal, name: string): string {
    return this.#known[what].get(name) ?? `named ${name}`;
  }
}

/** Whose password it was does not matter. */
function connectKey(packet: Buffer): string {
  try {
    const startup = parseStartupPacket(packet);
    const parameters = startup.kind === 'startup' ? [...startup.parameters].filter(([name]) => name !== 'user') : [];
    return `connect ${JSON.stringify(parameters.toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
  } catch (error) {
    return asItIs(error, packet);
  }
}

/** COPY data without the cuts between its messages. */
function copyKey(bytes: Buffer): string {
  let end = '';
  const data: Buffer[] = [];
  try {
    for (const frame of frames(bytes)) {
      const message = parseFrontend(frame, byteByByte);
      if (message.kind === 'copy-data') {
        data.push(message.data);
      } else {
        end = message.kind;
      }
    }
  } catch (error) {
    return asItIs(error, bytes);
  }
  return `${end} ${Buffer.concat(data).toString('latin1')}`;
}

/** Null for what asks nothing: a Flush alone. */
function messagesKey({ bytes }: Asked, named: Names): string | null {
  const lines: string[] = [];
  let hasSync = false;
  try {
    for (const frame of frames(bytes)) {
      const message = parseFrontend(frame, byteByByte);
      hasSync ||= message.kind === 'sync';
      lines.push(...linesOf(message, named));
    }
  } catch (error) {
    return asItIs(error, bytes);
  }
  return lines.length > 0 ? lines.join('\n') : hasSync ? sync : null;
}

function linesOf(message: FrontendMessage, named: Names): string[] {
  switch (message.kind) {
    case 'query':
      return [JSON.stringify(['query', withoutTrace(message.text)])];
    case 'parse':
      return [named.set('statement', message.name, JSON.stringify(['parse', withoutTrace(message.text), message.parameterTypes]))];
    case 'bind': {
      const parameters = message.parameters.map((parameter) => parameter?.toString('latin1') ?? null);
      const meaning = ['bind', named.find('statement', message.statement), message.formats, parameters, message.resultFormats];
      return [named.set('portal', message.portal, JSON.stringify(meaning))];
    }
    case 'execute':
      return [JSON.stringify(['execute', named.find('portal', message.portal), message.rowsMax])];
    case 'describe':
    case 'close':
      return [JSON.stringify([message.kind, message.what, named.find(message.what, message.name)])];
    case 'function-call':
      return [JSON.stringify(['call', message.oid, message.formats, message.parameters.map((parameter) => parameter?.toString('latin1') ?? null)])];
    case 'sync':
    case 'flush':
      return [];
    default:
      return [message.kind];
  }
}

/** The trace that a statement says it belongs to is another one in each run. */
function withoutTrace(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const trace = findTraceparent(bytes, 0, bytes.length);
  const at = trace === null ? -1 : text.lastIndexOf(trace);
  return trace === null || at < 0 ? text : text.slice(0, at) + text.slice(at + trace.length);
}

function asItIs(error: unknown, bytes: Buffer): string {
  if (error instanceof GatewayError) {
    return bytes.toString('latin1');
  }
  throw error;
}
