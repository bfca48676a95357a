import { createHmac, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../domain/errors.ts';
import { isKept, notKept, type Value } from './database.ts';

/**
 * Seals the rows of a shared database with a key that its gateways have and the database does not (HMAC-SHA-256): who can write to the database can add or
 * change none. Without a key nothing is sealed, because the file belongs to one gateway.
 */
export class RowSeal {
  readonly #key: string | null;

  constructor(key: string | null) {
    this.#key = key;
  }

  /** The number of characters of a seal. */
  get characters(): number {
    return this.#key === null ? 0 : 64;
  }

  /**
   * Returns the seal of a row that is to be written. `values` are all its values that must not change, in an order that stays. Throws GatewayError `malformed` if one
   * of them is a text that databases do not keep as it is.
   */
  of(table: string, values: readonly Value[]): string {
    if (values.some((value) => typeof value === 'string' && !isKept(value))) {
      throw notKept();
    }
    return this.#digest(table, values);
  }

  isOf(seal: unknown, table: string, values: readonly Value[]): boolean {
    const [found, expected] = [String(seal), this.#digest(table, values)].map((each) => Buffer.from(each));
    return found !== undefined && expected !== undefined && found.length === expected.length && timingSafeEqual(found, expected);
  }

  /** Throws GatewayError `store_damaged` if the seal is not that of the row. `name` says which row it is. */
  require(seal: unknown, table: string, values: readonly Value[], name: string): void {
    if (!this.isOf(seal, table, values)) {
      throw new GatewayError(
        'store_damaged',
        `The row ${name} of the table ${table} was not written by a gateway with the key of this store: it does not count.`,
      );
    }
  }

  #digest(table: string, values: readonly Value[]): string {
    return this.#key === null
      ? ''
      : createHmac('sha256', this.#key)
          .update(JSON.stringify([table, ...values]))
          .digest('hex');
  }
}
