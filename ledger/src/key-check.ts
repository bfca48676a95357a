/** Holds a key store against what the log says of it. */
import { leafName, type LeafPlace } from './epoch-check.ts';
import { parseGovernanceBody, type GovernanceBody } from './governance.ts';
import { bodyOffsets, bodyStreams, entryOffsets } from './journal.ts';
import { leafKindOf, leafOffsets } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { orMalformed, type Findings } from './verdict.ts';

const dayMs = 86_400_000;
const where = 'keys.db';

/** The row of a session. Which class key opens its secrets is what class and days say. */
export interface SecretsRow {
  /** SHA-256 over the wrapped secrets, meta then content, as 64 hex digits; any other text where they are no wrapped secrets. */
  readonly hash: string;
  readonly class: number;
  readonly metaDay: number;
  readonly contentDay: number;
}

/** The rows of a key store, by hash only: the verifier sees no key, wrapped or not. Null where there is no such row. All throw `MalformedError` when the store cannot be read. */
export interface KeyRows {
  /** It is there and has the form of a key store. */
  check(): void;
  secrets(id: number): SecretsRow | null;
  /** SHA-256 of the wrapped key of a retention class and expiry day, as 64 hex digits. */
  classKey(retentionClass: number, day: number): string | null;
}

interface RecordPlace extends LeafPlace {
  /** The slot of the record's session in the table of open sessions. */
  readonly slot: number;
}

/**
 * A key that is gone before its day has taken bodies with it that were to be kept; one that is another opens something else; and a row that names another class or
 * day than the leaves of its session leads to another key, or to none. A key store that cannot be read is a finding, and then no more of it is compared.
 */
export class KeyCheck {
  readonly #rows: KeyRows;
  readonly #findings: Findings;
  readonly #today: number;
  /** The rows of the open sessions by their slots, as long as nothing is wrong with them. */
  readonly #rowOf: (SecretsRow | null)[] = [];
  #isReadable = true;
  /** Keys that the log names and that were compared. */
  count = 0;

  constructor(rows: KeyRows, findings: Findings, nowMs: number) {
    this.#rows = rows;
    this.#findings = findings;
    this.#today = Math.floor(nowMs / dayMs);
    this.#read(() => {
      rows.check();
    });
  }

  /** `clear`: the clear body, if it has one with its commitment. One that is malformed is reported by who reads it for its own sake. */
  add(place: RecordPlace, clear: Uint8Array | undefined): void {
    const kind = leafKindOf(place.view.getUint8(place.at + leafOffsets.kind));
    if (clear !== undefined && this.#isReadable && (kind === 'open' || kind === 'epoch' || kind === 'key')) {
      const body = parseOrNull(kind, clear);
      if (body !== null) {
        this.#read(() => {
          this.#compare(kind, body, place);
        });
      }
    }
    const row = this.#rowOf[place.slot] ?? null;
    if (row !== null && !(rowFits(row, place, 'meta') && rowFits(row, place, 'content'))) {
      this.#findings.add('integrity', leafName(place), 'the key store has the secrets of its session under another class or day');
      this.#rowOf[place.slot] = null;
    }
    if (kind === 'close') {
      this.#rowOf[place.slot] = null;
    }
  }

  /** After the first trouble there is no other: what cannot be read is said once. */
  #read(read: () => void): void {
    this.#isReadable =
      orMalformed(this.#findings, where, () => {
        read();
        return true;
      }) ?? false;
  }

  #compare(kind: 'open' | 'epoch' | 'key', body: GovernanceBody, place: RecordPlace): void {
    if (kind === 'key') {
      const day = Number(body['day']);
      const found = this.#rows.classKey(Number(body['class']), day);
      if (found !== null || day >= this.#today) {
        this.#compareHash(found, body['wrapped'], place);
      }
    } else if (body['key'] !== undefined) {
      const row = this.#rows.secrets(Number(body['key']));
      this.#rowOf[place.slot] = row;
      this.#compareHash(row?.hash ?? null, body['secrets'], place);
    }
  }

  #compareHash(found: string | null, announced: unknown, place: RecordPlace): void {
    this.count += 1;
    if (found === null) {
      this.#findings.add('retention', leafName(place), 'the key that it announces is not in the key store');
    } else if (found !== announced) {
      this.#findings.add('integrity', leafName(place), 'the key store holds another key than it announces');
    }
  }
}

function parseOrNull(kind: 'open' | 'epoch' | 'key', clear: Uint8Array): GovernanceBody | null {
  try {
    return parseGovernanceBody(kind, clear);
  } catch (error) {
    if (error instanceof MalformedError) {
      return null;
    }
    throw error;
  }
}

/** A sealed body has the class and day of the secret that sealed it. */
function rowFits(row: SecretsRow, { view, at }: RecordPlace, slot: 'meta' | 'content'): boolean {
  const stream = view.getUint8(at + entryOffsets[slot] + bodyOffsets.stream);
  const [classAt, dayAt] = slot === 'meta' ? [leafOffsets.metaClass, leafOffsets.metaExpiryDay] : [leafOffsets.contentClass, leafOffsets.contentExpiryDay];
  const day = stream === bodyStreams.meta ? row.metaDay : row.contentDay;
  return stream === bodyStreams.none || (view.getUint16(at + classAt) === row.class && view.getUint32(at + dayAt) === day);
}
