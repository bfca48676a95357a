import { createHash } from 'node:crypto';
import type { Attributes } from '../../../domain/action.ts';
import { ownAttributes } from '../../../domain/own-attributes.ts';

/** Most ranges of one file that are told. Of a file that is read or written in more, there is no digest. */
const rangesMax = 64;

/** The bytes that were read from a file, or those that were written to it: their ranges in the order in which they moved, and the digest of their bytes in this order. */
export class Transferred {
  readonly #hash = createHash('sha256');
  readonly #ranges: { readonly start: number; end: number }[] = [];
  #bytes = 0;

  add(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) {
      return;
    }
    this.#bytes += bytes.length;
    if (this.#ranges.length > rangesMax) {
      return;
    }
    const last = this.#ranges.at(-1);
    if (last?.end === offset) {
      last.end += bytes.length;
    } else {
      this.#ranges.push({ start: offset, end: offset + bytes.length });
    }
    this.#hash.update(bytes);
  }

  /** Returns what moved, as attributes. It can be asked once. */
  attributes(kind: 'read' | 'written'): Attributes {
    if (this.#bytes === 0) {
      return {};
    }
    const names =
      kind === 'read'
        ? { bytes: ownAttributes.fileReadBytes, ranges: ownAttributes.fileReadRanges, digest: ownAttributes.fileReadSha256 }
        : { bytes: ownAttributes.fileWrittenBytes, ranges: ownAttributes.fileWrittenRanges, digest: ownAttributes.fileWrittenSha256 };
    const isTold = this.#ranges.length <= rangesMax;
    return {
      [names.bytes]: this.#bytes,
      ...(isTold ? { [names.ranges]: this.#ranges.map(({ start, end }) => `${start}-${end}`), [names.digest]: this.#hash.digest('hex') } : {}),
    };
  }
}
