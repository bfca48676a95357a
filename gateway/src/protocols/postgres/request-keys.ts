import { GatewayError } from '../../domain/errors.ts';
import type { Asked, Difference, Keys, RequestKey } from '../../domain/replay.ts';
import { shareOf, textDifference } from '../../content/text-difference.ts';
import { frames, parseFrontend } from './codec.ts';
import type { FrontendMessage, StatementOrPortal } from './messages.ts';
import { parseStartupPacket } from './startup.ts';
import { byteByByte } from './text-encoding.ts';
import { findTraceparent } from './traceparent.ts';

/** The key of a Sync without other messages. */
const sync = 'sync';
export const syncKey: RequestKey = plain(sync);

/**
 * Makes the keys of one connection's requests. Requests that ask the same have the same key. Names of statements and portals are replaced by what they stand
 * for, because drivers make them up. A Sync after an execution does not count, because only timing decides whether both come together.
 */
export function requestKeys(): Keys {
  const named = new Names();
  let last: unknown = null;
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
        return plain(copyKey(asked.bytes, last));
      default: {
        if (!isConnected) {
          // These are settings of the startup packet, which the request of the connection contains.
          return null;
        }
        const key = messagesKey(asked, named);
        last = key === null || key === sync ? last : key;
        return key === null ? null : plain(textOf(key));
      }
    }
  };
}

/** A key of a text without names that drivers make up; see `Names`. */
function plain(text: string): RequestKey {
  return { text, ids: [] };
}

/** The meaning of one message, as JSON. */
type Meaning = Readonly<Record<string, unknown>>;

function textOf(key: string | readonly Meaning[]): string {
  return typeof key === 'string' ? key : JSON.stringify(key);
}

/**
 * Finds the first difference between two requests by the texts of their keys. Null if they do not differ, or cannot be compared: a login with a statement, or
 * anything with a Sync alone.
 */
export function requestDifference(recorded: string, asked: string): Difference | null {
  if (recorded === asked || recorded === sync || asked === sync || isConnect(recorded) !== isConnect(asked)) {
    return null;
  }
  const found = textDifference(recorded, asked, 'messages');
  return { at: found.at, recorded: decodeUtf8(found.recorded), asked: decodeUtf8(found.asked), nearness: shareOf(recorded, asked) };
}

/** Decodes a text in which each character stands for one byte. */
function decodeUtf8(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

function isConnect(text: string): boolean {
  return text.startsWith('[{"connect":');
}

/** Remembers what the names of statements and portals stand for in one connection. */
class Names {
  readonly #known: Readonly<Record<StatementOrPortal, Map<string, Meaning>>> = { statement: new Map(), portal: new Map() };

  set(what: StatementOrPortal, name: string, meaning: Meaning): Meaning {
    this.#known[what].set(name, meaning);
    return meaning;
  }

  find(what: StatementOrPortal, name: string): Meaning {
    return this.#known[what].get(name) ?? { name };
  }
}

/** Returns the key of a login. It does not contain the user, so that a recording answers any user. */
function connectKey(packet: Buffer): string {
  try {
    const startup = parseStartupPacket(packet);
    const parameters = startup.kind === 'startup' ? [...startup.parameters].filter(([name]) => name !== 'user') : [];
    return textOf([{ connect: Object.fromEntries(parameters.toSorted(([a], [b]) => (a < b ? -1 : 1))) }]);
  } catch (error) {
    return asItIs(error, packet);
  }
}

/** Returns the key of COPY data, which does not depend on where their messages end. `of` is the key of the statement. */
function copyKey(bytes: Buffer, of: unknown): string {
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
  return textOf([{ of, end, copy: Buffer.concat(data).toString('latin1') }]);
}

/** Returns the key of the messages of a request. Null if they ask nothing, like a Flush alone. */
function messagesKey({ bytes }: Asked, named: Names): string | readonly Meaning[] | null {
  const meanings: Meaning[] = [];
  let hasSync = false;
  try {
    for (const frame of frames(bytes)) {
      const message = parseFrontend(frame, byteByByte);
      hasSync ||= message.kind === 'sync';
      meanings.push(...meaningsOf(message, named));
    }
  } catch (error) {
    return asItIs(error, bytes);
  }
  return meanings.length > 0 ? meanings : hasSync ? sync : null;
}

function meaningsOf(message: FrontendMessage, named: Names): Meaning[] {
  switch (message.kind) {
    case 'query':
      return [{ query: withoutTrace(message.text) }];
    case 'parse':
      return [named.set('statement', message.name, { statement: withoutTrace(message.text), parameterTypes: message.parameterTypes })];
    case 'bind': {
      const { formats, resultFormats } = message;
      return [
        named.set('portal', message.portal, {
          bind: named.find('statement', message.statement),
          formats,
          parameters: textsOf(message.parameters),
          resultFormats,
        }),
      ];
    }
    case 'execute':
      return [{ execute: named.find('portal', message.portal), rowsMax: message.rowsMax }];
    case 'describe':
    case 'close':
      return [{ [message.kind]: named.find(message.what, message.name), what: message.what }];
    case 'function-call':
      return [{ call: message.oid, formats: message.formats, parameters: textsOf(message.parameters) }];
    case 'sync':
    case 'flush':
      return [];
    default:
      return [{ [message.kind]: true }];
  }
}

function textsOf(parameters: readonly (Buffer | null)[]): readonly (string | null)[] {
  return parameters.map((parameter) => parameter?.toString('latin1') ?? null);
}

/** Removes the trace context from a statement, because it is different in each run. */
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
