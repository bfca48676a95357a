import { ByteWriter } from '../../wire/byte-writer.ts';
import { backend, frontend, startupCode } from './messages.ts';

/** Messages that the gateway makes itself: for the client at the login and for errors, for the target at the login and to carry out a refusal. */

export interface ErrorWords {
  readonly severity: 'FATAL' | 'ERROR' | 'NOTICE';
  /** The SQLSTATE of the error. */
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
}

export function errorResponse(words: ErrorWords): Buffer {
  return message(backend.error, (body) => {
    writeWords(body, words);
  });
}

export function noticeResponse(words: ErrorWords): Buffer {
  return message(backend.notice, (body) => {
    writeWords(body, words);
  });
}

function writeWords(body: ByteWriter, { severity, code, message: text, detail, hint }: ErrorWords): void {
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['S', severity],
    ['V', severity],
    ['C', code],
    ['M', text],
    ['D', detail],
    ['H', hint],
  ];
  for (const [field, value] of fields) {
    if (value !== undefined) {
      body.uint8(field.charCodeAt(0)).cstring(value);
    }
  }
  body.uint8(0);
}

export function readyForQuery(status: number): Buffer {
  return message(backend.readyForQuery, (body) => {
    body.uint8(status);
  });
}

export function parameterStatus(name: string, value: string): Buffer {
  return message(backend.parameterStatus, (body) => {
    body.cstring(name).cstring(value);
  });
}

/** `key` is the process id followed by the secret. */
export function backendKeyData(key: Uint8Array): Buffer {
  return message(backend.backendKeyData, (body) => {
    body.bytes(key);
  });
}

export const authenticationOk = authentication(0);
export const askPassword = authentication(3);

function authentication(code: number): Buffer {
  return message(backend.authentication, (body) => {
    body.int32(code);
  });
}

/** Tells the client which minor version of protocol 3 is spoken, and which `_pq_.` options are unknown. */
export function negotiateVersion(minor: number, unknownOptions: readonly string[]): Buffer {
  return message(backend.negotiateVersion, (body) => {
    body.int32(startupCode.protocol3 + minor).int32(unknownOptions.length);
    for (const option of unknownOptions) {
      body.cstring(option);
    }
  });
}

export function startupMessage(parameters: ReadonlyMap<string, string>): Buffer {
  const packet = new ByteWriter().int32(0).int32(startupCode.protocol3);
  for (const [name, value] of parameters) {
    packet.cstring(name).cstring(value);
  }
  packet.uint8(0);
  return packet.patchInt32(0, packet.length).finish();
}

export const sslRequest = new ByteWriter().int32(8).int32(startupCode.ssl).finish();

/** `key` is the target's own process id followed by its secret. */
export function cancelRequest(key: Uint8Array): Buffer {
  return new ByteWriter()
    .int32(8 + key.length)
    .int32(startupCode.cancel)
    .bytes(key)
    .finish();
}

export function passwordMessage(password: string): Buffer {
  return message(frontend.password, (body) => {
    body.cstring(password);
  });
}

export function saslInitialResponse(mechanism: string, first: string): Buffer {
  return message(frontend.password, (body) => {
    const bytes = Buffer.from(first);
    body.cstring(mechanism).int32(bytes.length).bytes(bytes);
  });
}

export function saslResponse(text: string): Buffer {
  return message(frontend.password, (body) => {
    body.bytes(Buffer.from(text));
  });
}

export const sync = message(frontend.sync, () => undefined);

/**
 * A refused statement must make its transaction fail, as an error of the target would. These statements are syntax errors in every state of a target, and their
 * text explains them in its log.
 */
const failingText = 'countersign refused a statement here';

export function simpleQuery(text: string): Buffer {
  return message(frontend.query, (body) => {
    body.cstring(text);
  });
}

/** The types of parameters as a Parse message has them after its text, and the values as a Bind message has them before the formats of results. */
export interface Bound {
  readonly types: Uint8Array;
  readonly values: Uint8Array;
}

const unbound: Bound = { types: Buffer.alloc(2), values: Buffer.alloc(4) };

/** Prepares a text, which must be a single statement, and executes it once. Results come as text. `bound` is null if it has no parameters. */
export function soleExecution(text: string, bound: Bound | null): Buffer {
  const { types, values } = bound ?? unbound;
  return Buffer.concat([
    message(frontend.parse, (body) => {
      body.cstring('').cstring(text).bytes(types);
    }),
    message(frontend.bind, (body) => {
      body.cstring('').cstring('').bytes(values).int16(0);
    }),
    message(frontend.execute, (body) => {
      body.cstring('').int32(0);
    }),
    sync,
  ]);
}

/** Prepares a text under a name, and names no types. */
export function parseMessage(name: string, text: string): Buffer {
  return message(frontend.parse, (body) => {
    body.cstring(name).cstring(text).int16(0);
  });
}

export const failingQuery = message(frontend.query, (body) => {
  body.cstring(failingText);
});

export const failingParse = message(frontend.parse, (body) => {
  body.cstring('').cstring(failingText).int16(0);
});

export const copyFail = message(frontend.copyFail, (body) => {
  body.cstring(failingText);
});

function message(type: number, write: (body: ByteWriter) => void): Buffer {
  const writer = new ByteWriter().uint8(type).int32(0);
  write(writer);
  return writer.patchInt32(1, writer.length - 1).finish();
}
