import { GatewayError } from '../../domain/errors.ts';
import type { Asked, Difference, Keys, RequestKey } from '../../domain/replay.ts';
import { shareOf, textDifference } from '../../content/text-difference.ts';
import { frames, parseFrontend } from './codec.ts';
import type { FrontendMessage, StatementOrPortal } from './messages.ts';
import { parseStartupPacket } from './startup.ts';
import { byteByByte } from './text-encoding.ts';
import { findTraceparent } from './traceparent.ts';

/** The key of a Sync that comes alone. */
const sync = 'sync';
export const syncKey: RequestKey = plain(sync);

/**
 * Makes the keys of one connection's requests: requests that ask the same have the same key. Statements and portals go by what they stand for, since drivers make up their names; a Sync behind what
 * is executed does not count, since it is a matter of timing whether it comes with it.
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
          // These are settings of the startup packet, which the connection's own request holds.
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

/** The first place in which two requests differ, found by the texts of their keys. Null where they do not differ, and where they cannot be compared: a login with a statement, or anything with a Sync alone. */
export function requestDifference(recorded: string, asked: string): Difference | null {
  if (recorded === asked || recorded === sync || asked === sync || isConnect(recorded) !== isConnect(asked)) {
    return null;
  }
  const found = textDifference(recorded, asked, 'messages');
  return { at: found.at, recorded: decodeUtf8(found.recorded), asked: decodeUtf8(found.asked), nearness: shareOf(recorded, asked) };
}

/** Decodes a text of a key, in which each byte is one character. */
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

/** The key of a login. It does not hold the user, so that a recording answers whoever logs in. */
function connectKey(packet: Buffer): string {
  try {
    const startup = parseStartupPacket(packet);
    const parameters = startup.kind === 'startup' ? [...startup.parameters].filter(([name]) => name !== 'user') : [];
    return textOf([{ connect: Object.fromEntries(parameters.toSorted(([a], [b]) => (a < b ? -1 : 1))) }]);
  } catch (error) {
    return asItIs(error, packet);
  }
}

/** COPY data without the cuts between its messages. `of`: what they are data of. */
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

/** The key of the messages of a request. Null if they ask nothing, as a Flush alone does. */
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
