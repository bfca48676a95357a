/**
 * The messages of the PostgreSQL frontend/backend protocol 3.0, for readers of recordings. The relay does not parse messages: it skips frames and only reads
 * their type bytes (`frontend`, `backend` below).
 *
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

/** The first bytes of messages from the client. */
export const frontend = {
  bind: 0x42,
  close: 0x43,
  describe: 0x44,
  execute: 0x45,
  functionCall: 0x46,
  flush: 0x48,
  parse: 0x50,
  query: 0x51,
  sync: 0x53,
  terminate: 0x58,
  copyDone: 0x63,
  copyData: 0x64,
  copyFail: 0x66,
  /** Passwords and SASL answers. They only occur in a login. */
  password: 0x70,
} as const;

/** The first bytes of messages from the target. */
export const backend = {
  parseComplete: 0x31,
  bindComplete: 0x32,
  closeComplete: 0x33,
  notification: 0x41,
  commandComplete: 0x43,
  dataRow: 0x44,
  error: 0x45,
  copyIn: 0x47,
  copyOut: 0x48,
  emptyQuery: 0x49,
  backendKeyData: 0x4b,
  notice: 0x4e,
  authentication: 0x52,
  parameterStatus: 0x53,
  rowDescription: 0x54,
  functionResult: 0x56,
  copyBoth: 0x57,
  readyForQuery: 0x5a,
  copyDone: 0x63,
  copyData: 0x64,
  noData: 0x6e,
  portalSuspended: 0x73,
  parameterDescription: 0x74,
  negotiateVersion: 0x76,
} as const;

/** The second word of the packets that come before a login. https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-STARTUPMESSAGE */
export const startupCode = {
  cancel: 80877102,
  ssl: 80877103,
  gssEncryption: 80877104,
  protocol3: 0x0003_0000,
} as const;

/** The state of the transaction in a ReadyForQuery: `I` idle, `T` in a block, `E` in a failed block. */
export const transaction = { idle: 0x49, open: 0x54, failed: 0x45 } as const;

/** The packets before a login. https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-STARTUPMESSAGE */
export type StartupPacket =
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gss-encryption' }
  /** `key` is the content of BackendKeyData: process id and secret. */
  | { readonly kind: 'cancel'; readonly key: Buffer }
  | { readonly kind: 'startup'; readonly major: number; readonly minor: number; readonly parameters: ReadonlyMap<string, string> };

export type StatementOrPortal = 'statement' | 'portal';

/** Format codes: 0 is text, 1 is binary. An empty list means text for all values; a list of one is for all values. */
type Formats = readonly number[];

export type FrontendMessage =
  | { readonly kind: 'query'; readonly text: string }
  | { readonly kind: 'parse'; readonly name: string; readonly text: string; readonly parameterTypes: readonly number[] }
  | BindMessage
  | { readonly kind: 'describe' | 'close'; readonly what: StatementOrPortal; readonly name: string }
  | { readonly kind: 'execute'; readonly portal: string; readonly rowsMax: number }
  | { readonly kind: 'function-call'; readonly oid: number; readonly formats: Formats; readonly parameters: readonly (Buffer | null)[] }
  | { readonly kind: 'copy-data'; readonly data: Buffer }
  | { readonly kind: 'copy-fail'; readonly reason: string }
  | { readonly kind: 'copy-done' | 'flush' | 'sync' | 'terminate' };

export interface BindMessage {
  readonly kind: 'bind';
  readonly portal: string;
  readonly statement: string;
  readonly formats: Formats;
  readonly parameters: readonly (Buffer | null)[];
  readonly resultFormats: Formats;
}

export interface Column {
  readonly name: string;
  readonly table: number;
  readonly attribute: number;
  readonly type: number;
  readonly format: number;
}

/** The fields of an error or a notice by their codes. https://www.postgresql.org/docs/current/protocol-error-fields.html */
export type ErrorFields = ReadonlyMap<string, string>;

export type BackendMessage =
  | { readonly kind: 'row-description'; readonly columns: readonly Column[] }
  | { readonly kind: 'data-row'; readonly values: readonly (Buffer | null)[] }
  | { readonly kind: 'command-complete'; readonly tag: string }
  | { readonly kind: 'error' | 'notice'; readonly fields: ErrorFields }
  | { readonly kind: 'notification'; readonly process: number; readonly channel: string; readonly payload: string }
  | { readonly kind: 'parameter-status'; readonly name: string; readonly value: string }
  | { readonly kind: 'parameter-description'; readonly types: readonly number[] }
  | { readonly kind: 'function-result'; readonly value: Buffer | null }
  | { readonly kind: 'copy-data'; readonly data: Buffer }
  | { readonly kind: 'ready'; readonly status: number }
  /** A known message whose content no reader needs. */
  | { readonly kind: 'other'; readonly type: number };
