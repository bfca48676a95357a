/** Compares a key store with what the log says about it. */
import { leafName, type PlacedLeaf } from './epoch-check.ts';
import { parseGovernanceBody, type GovernanceBody } from './governance.ts';
import { bodyOffsets, bodyStreams, entryOffsets } from './journal.ts';
import { leafKindOf, leafOffsets } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { orMalformed, type Findings } from './verdict.ts';

const dayMs = 86_400_000;
const where = 'keys.db';

/** The row of a session in the key store. Class and days say which class keys open its secrets. */
export interface SecretsRow {
  /** SHA-256 over the wrapped secrets, meta then content, as 64 hex digits; any other text if they are not wrapped secrets. */
  readonly hash: string;
  readonly class: number;
  readonly metaDay: number;
  readonly contentDay: number;
}

/**
 * The rows of a key store, by hash only: the verifier sees no key, wrapped or not. A missing row is null. All methods throw `MalformedError` if the store
 * cannot be read.
 */
export interface KeyRows {
  /** Checks that the store exists and has the form of a key store. */
  check(): void;
  secrets(id: number): SecretsRow | null;
  /** SHA-256 of the wrapped key of a retention class and expiry day, as 64 hex digits. */
  classKey(retentionClass: number, day: number): string | null;
}

interface PlacedRecord extends PlacedLeaf {
  /** The slot of the record's session in the table of open sessions. */
  readonly slot: number;
}

/**
 * Finds three kinds of fault. A key that is gone before its day makes bodies unreadable that were to be kept. A key that differs from the announced one opens
 * something else. A row with another class or day than the leaves of its session leads to another key, or to none. If the store cannot be read, that is a
 * finding and nothing more is compared.
 */
export class KeyCheck {
  readonly #rows: KeyRows;
  readonly #findings: Findings;
  readonly #today: number;
  /** The rows of the open sessions by their slots, as long as no fault was found in them. */
  readonly #rowOf: (SecretsRow | null)[] = [];
  #isReadable = true;
  /** Number of keys that the log names and that were compared. */
  count = 0;

  constructor(rows: KeyRows, findings: Findings, nowMs: number) {
    this.#rows = rows;
    this.#findings = findings;
    this.#today = Math.floor(nowMs / dayMs);
    this.#read(() => {
      rows.check();
    });
  }

  /** Compares a record. `clear` is its clear body, if there is one and it matches its commitment. Malformed bodies are reported elsewhere. */
  add(record: PlacedRecord, clear: Uint8Array | undefined): void {
    const kind = leafKindOf(record.view.getUint8(record.at + leafOffsets.kind));
    if (clear !== undefined && this.#isReadable && (kind === 'open' || kind === 'epoch' || kind === 'key')) {
      const body = parseOrNull(kind, clear);
      if (body !== null) {
        this.#read(() => {
          this.#compare(kind, body, record);
        });
      }
    }
    const row = this.#rowOf[record.slot] ?? null;
    if (row !== null && !(rowFits(row, record, 'meta') && rowFits(row, record, 'content'))) {
      this.#findings.add('integrity', leafName(record), 'the key store has the secrets of its session under another class or day');
      this.#rowOf[record.slot] = null;
    }
    if (kind === 'close') {
      this.#rowOf[record.slot] = null;
    }
  }

  /** Reads from the key store. After the first failure nothing more is read, so an unreadable store is reported once. */
  #read(read: () => void): void {
    this.#isReadable =
      orMalformed(this.#findings, where, () => {
        read();
        return true;
      }) ?? false;
  }

  #compare(kind: 'open' | 'epoch' | 'key', body: GovernanceBody, record: PlacedRecord): void {
    if (kind === 'key') {
      const day = Number(body['day']);
      const found = this.#rows.classKey(Number(body['class']), day);
      if (found !== null || day >= this.#today) {
        this.#compareHash(found, body['wrapped'], record);
      }
    } else if (body['key'] !== undefined) {
      const row = this.#rows.secrets(Number(body['key']));
      this.#rowOf[record.slot] = row;
      this.#compareHash(row?.hash ?? null, body['secrets'], record);
    }
  }

  #compareHash(found: string | null, announced: unknown, record: PlacedRecord): void {
    this.count += 1;
    if (found === null) {
      this.#findings.add('retention', leafName(record), 'the key that it announces is not in the key store');
    } else if (found !== announced) {
      this.#findings.add('integrity', leafName(record), 'the key store holds another key than it announces');
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

/** True if the row of the secrets names the class and day that the leaf gives for this body. */
function rowFits(row: SecretsRow, { view, at }: PlacedRecord, slot: 'meta' | 'content'): boolean {
  const stream = view.getUint8(at + entryOffsets[slot] + bodyOffsets.stream);
  const [classAt, dayAt] = slot === 'meta' ? [leafOffsets.metaClass, leafOffsets.metaExpiryDay] : [leafOffsets.contentClass, leafOffsets.contentExpiryDay];
  const day = stream === bodyStreams.meta ? row.metaDay : row.contentDay;
  return stream === bodyStreams.none || (view.getUint16(at + classAt) === row.class && view.getUint32(at + dayAt) === day);
}
