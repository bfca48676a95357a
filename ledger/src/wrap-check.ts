/** Compares the further wraps of secrets in a key store with those that the log announces. Normative: docs/formats/verification.md. */
import type { GovernanceBody } from './governance.ts';
import { MalformedError } from './malformed.ts';
import type { Findings } from './verdict.ts';

/** Most wraps of one key store: 17 bytes of memory each. */
const wrapsMax = 16_777_216;
const wrapsAtFirst = 1024;
const underFactor = 2 ** 32;

/** Which secret is wrapped, and by the key of which class and day. */
interface WrapName {
  readonly key: number;
  /** 1 facts, 2 contents. */
  readonly slot: number;
  readonly class: number;
  readonly day: number;
}

/** The wraps of a key store. */
export interface WrapRows {
  /** Yields those of which the store says that they are on record, in the order of `key`, `slot`, `class` and `day`. */
  wraps(): Iterable<WrapName>;
  /** SHA-256 of the wrapped secret of one, as 64 hex digits; any other text if it is no wrapped secret. Null: it is not there. */
  wrap(name: WrapName): string | null;
  classKey(retentionClass: number, day: number): string | null;
  /** Whether a secret is there under its own class and day. */
  hasSecret(key: number, slot: number): boolean;
}

/**
 * Finds wraps that the log does not announce, by which something is kept of which nobody was told; announced ones that are not there, although neither the key that wraps was destroyed nor the
 * secret; and ones that are there, although the secret was destroyed. The rows are read before the log, which a running gateway goes on with. Throws `MalformedError` if there are too many, or the store cannot be read.
 */
export class WrapCheck {
  readonly #rows: WrapRows;
  readonly #findings: Findings;
  readonly #found: FoundWraps;
  #count = 0;

  constructor(rows: WrapRows, findings: Findings) {
    this.#rows = rows;
    this.#findings = findings;
    this.#found = new FoundWraps(rows.wraps());
  }

  /** Compares the wraps that the body of a `wrap` announces. `where` names its leaf. */
  add({ class: classId, day, wraps }: GovernanceBody, where: string): void {
    for (const [key, slot, hash] of Array.isArray(wraps) ? wraps.filter((each) => Array.isArray(each)) : []) {
      this.#compare({ key: Number(key), slot: Number(slot), class: Number(classId), day: Number(day) }, String(hash), where);
    }
  }

  /** Judges what the log did not announce. Returns the number of wraps that were compared. To be called once the whole log was read. */
  finish(): number {
    for (const { key, slot, class: classId, day } of this.#found.unannounced()) {
      this.#findings.add('retention', 'keys.db', `the secret ${key}/${slot} under ${classId}/${day} is wrapped, and the log does not announce it`);
    }
    return this.#count;
  }

  #compare(name: WrapName, announced: string, where: string): void {
    this.#count += 1;
    this.#found.announce(name);
    const found = this.#rows.wrap(name);
    const isErased = !this.#rows.hasSecret(name.key, name.slot);
    if (found !== null && isErased) {
      this.#findings.add('retention', where, 'a wrap that it announces is in the key store, and the secret was destroyed');
    } else if (found !== null && found !== announced) {
      this.#findings.add('integrity', where, 'the key store holds another wrap than it announces');
    } else if (found === null && !isErased && this.#rows.classKey(name.class, name.day) !== null) {
      this.#findings.add('retention', where, 'a wrap that it announces is not in the key store');
    }
  }
}

/** The names of the wraps that were found, in order, and which of them were announced. There may be millions. */
class FoundWraps {
  #secrets = new Float64Array(wrapsAtFirst);
  #unders = new Float64Array(wrapsAtFirst);
  #isAnnounced = new Uint8Array(wrapsAtFirst);
  #count = 0;

  constructor(wraps: Iterable<WrapName>) {
    for (const name of wraps) {
      this.#add(name);
    }
  }

  announce(name: WrapName): void {
    const [secret, under] = numbersOf(name);
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isBefore(middle, secret, under)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low < this.#count && this.#secrets[low] === secret && this.#unders[low] === under) {
      this.#isAnnounced[low] = 1;
    }
  }

  *unannounced(): Generator<WrapName> {
    for (let at = 0; at < this.#count; at++) {
      if (this.#isAnnounced[at] === 0) {
        const [secret = 0, under = 0] = [this.#secrets[at], this.#unders[at]];
        yield { key: Math.floor(secret / 2), slot: (secret % 2) + 1, class: Math.floor(under / underFactor), day: under % underFactor };
      }
    }
  }

  #add(name: WrapName): void {
    const [secret, under] = numbersOf(name);
    if (this.#count === wrapsMax) {
      throw new MalformedError(`it has more than ${wrapsMax} wraps`);
    }
    if (this.#count > 0 && !this.#isBefore(this.#count - 1, secret, under)) {
      throw new MalformedError('its wraps are out of order');
    }
    if (this.#count === this.#secrets.length) {
      this.#secrets = grown(this.#secrets, new Float64Array(2 * this.#count));
      this.#unders = grown(this.#unders, new Float64Array(2 * this.#count));
      this.#isAnnounced = grown(this.#isAnnounced, new Uint8Array(2 * this.#count));
    }
    this.#secrets[this.#count] = secret;
    this.#unders[this.#count] = under;
    this.#count += 1;
  }

  #isBefore(at: number, secret: number, under: number): boolean {
    const known = this.#secrets[at] ?? 0;
    return known < secret || (known === secret && (this.#unders[at] ?? 0) < under);
  }
}

/** Returns the secret, and its class and day, as a number each, in the order of the rows. */
function numbersOf({ key, slot, class: classId, day }: WrapName): readonly [secret: number, under: number] {
  return [key * 2 + slot - 1, classId * underFactor + day];
}

function grown<List extends Float64Array | Uint8Array>(from: List, to: List): List {
  to.set(from);
  return to;
}
