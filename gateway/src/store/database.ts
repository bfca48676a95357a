import { GatewayError } from '../domain/errors.ts';

export type Value = string | number | Uint8Array | null;
export type Row = Readonly<Record<string, Value | bigint>>;
/** A statement with `?` in the places of its values. */
export type Statement = readonly [sql: string, values: readonly Value[]];

/**
 * A database of one gateway (SQLite) or of many (PostgreSQL). Both take the same statements, whose integers are at most `Number.MAX_SAFE_INTEGER`. Each method
 * rejects with GatewayError `store_unreachable` if a shared database does not answer in time.
 */
export interface Database extends AsyncDisposable {
  /** True if other gateways change it too. */
  readonly isShared: boolean;
  all(sql: string, values?: readonly Value[]): Promise<readonly Row[]>;
  /**
   * Executes all statements or none of them. They are on stable storage when it resolves. Rejects with `KeyConflict`, and with GatewayError `cannot_record` if
   * the disk of the data directory is full.
   */
  change(statements: readonly Statement[]): Promise<void>;
  /** Ensures that `onChange` is called soon after another gateway has changed something. Nothing is promised: who must know asks as well. */
  listen(onChange: () => void): Promise<void>;
}

/** A row with the same key is there already. */
export class KeyConflict extends Error {
  override readonly name = 'KeyConflict';
}

/** True if a database gives a text back as it was written. */
export function isKept(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

export function notKept(): GatewayError {
  return new GatewayError('malformed', 'A text with the character U+0000, or with half of a character (a lone surrogate), cannot be kept: leave it out.');
}
