/** Compares what the log says about the secrets of sessions with its leaves, and with the key store if it is at hand. */
import { leafName, type PlacedLeaf } from './epoch-check.ts';
import { parseGovernanceBody, type GovernanceBody } from './governance.ts';
import { announcedMax, bodyOffsets, bodyStreams, entryOffsets } from './journal.ts';
import { leafKindOf, leafOffsets, type LeafKind } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import type { ClassDay, SecretsPlaces } from './protected-secrets.ts';
import type { RetentionCheck } from './retention-check.ts';
import { orMalformed, type Findings } from './verdict.ts';
import { WrapCheck, type WrapRows } from './wrap-check.ts';

const where = 'keys.db';

/** The row of two secrets in the key store. Class and days say which class keys open them. */
interface SecretsRow extends SecretsPlaces {
  /** SHA-256 over the wrapped secrets, meta then content, as 64 hex digits; any other text if they are not wrapped secrets. */
  readonly hash: string;
}

/**
 * The rows of a key store, by hash only: the verifier sees no key, wrapped or not. A missing row is null. All methods throw `MalformedError` if the store
 * cannot be read.
 */
export interface KeyRows extends WrapRows {
  /** Checks that the store exists and has the form of a key store. */
  check(): void;
  secrets(id: number): SecretsRow | null;
  /** SHA-256 of the wrapped key of a retention class and expiry day, as 64 hex digits. */
  classKey(retentionClass: number, day: number): string | null;
  /** The classes and days of which there is a key. */
  classDays(): readonly ClassDay[];
}

interface PlacedRecord extends PlacedLeaf {
  /** The slot of the record's session in the table of open sessions. */
  readonly slot: number;
}

/**
 * Finds these kinds of fault. A key that is gone before its day makes bodies unreadable that were to be kept. A key that differs from the announced one opens
 * something else. A row with another class or day than the leaves of its session leads to another key, or to none. A body under a class and day for which its
 * session announced no secrets was sealed with a secret of something else. If the store cannot be read, that is a finding and nothing more is compared with it.
 */
export class KeyCheck {
  /** Null: no key store is at hand. */
  readonly #rows: KeyRows | null;
  readonly #findings: Findings;
  readonly #retention: RetentionCheck;
  /** The secrets of the open sessions by their slots, the newest first. Null: nothing is known of them, or a fault was found. */
  readonly #secretsOf: (SecretsPlaces[] | null)[] = [];
  #wraps: WrapCheck | null = null;
  #isReadable: boolean;
  /** Number of keys that the log names and that were compared. */
  count = 0;

  constructor(rows: KeyRows | null, findings: Findings, retention: RetentionCheck) {
    this.#rows = rows;
    this.#findings = findings;
    this.#retention = retention;
    this.#isReadable = rows !== null;
    this.#read((readable) => {
      readable.check();
      this.#wraps = new WrapCheck(readable, findings);
    });
  }

  /** Compares a record. `clear` is its clear body, if there is one and it matches its commitment. Malformed bodies are reported elsewhere. */
  add(record: PlacedRecord, clear: Uint8Array | undefined): void {
    const kind = leafKindOf(record.view.getUint8(record.at + leafOffsets.kind));
    const body = clear === undefined || kind === undefined ? null : parseIfAboutKeys(kind, clear);
    if (body !== null && isOfRetention(kind)) {
      this.count += kind === 'key' && this.#isReadable ? 1 : 0;
      this.#retention.add(kind, body, record);
      if (kind === 'wrap') {
        this.#read(() => {
          this.#wraps?.add(body, leafName(record));
        });
      }
    } else if (body?.['key'] !== undefined) {
      this.#announce(body, record, kind !== 'secrets');
    }
    const secrets = this.#secretsOf[record.slot] ?? null;
    if (secrets !== null && !(isAnnounced(secrets, record, 'meta') && isAnnounced(secrets, record, 'content'))) {
      this.#findings.add('integrity', leafName(record), 'its body is of a class or day for which its session has no secrets');
      this.#secretsOf[record.slot] = null;
    }
    if (kind === 'close') {
      this.#secretsOf[record.slot] = null;
    }
  }

  /** Judges what an erasure may explain, once the whole log was read. */
  finish(): void {
    if (this.#rows === null) {
      this.#retention.finish();
    } else {
      this.#read(() => {
        this.#retention.finish();
        this.count += this.#wraps?.finish() ?? 0;
      });
    }
  }

  /** Reads from the key store. After the first failure nothing more is read, so an unreadable store is reported once. */
  #read(read: (rows: KeyRows) => void): void {
    const rows = this.#rows;
    if (rows !== null && this.#isReadable) {
      this.#isReadable =
        orMalformed(this.#findings, where, () => {
          read(rows);
          return true;
        }) ?? false;
    }
  }

  /** Notes secrets that a session announces, and compares them with their row. The first leaf of a session of before does not say of which class and day they are: then the row does. */
  #announce(body: GovernanceBody, record: PlacedRecord, isFirst: boolean): void {
    let places = placesOf(body);
    this.#read((rows) => {
      const row = rows.secrets(Number(body['key']));
      this.count += 1;
      if (row?.hash !== body['secrets']) {
        this.#retention.addDoubt(Number(body['key']), row?.hash ?? null, record);
      }
      if (places !== null && row !== null && !(isSame(places.meta, row.meta) && isSame(places.content, row.content))) {
        this.#findings.add('integrity', leafName(record), 'the key store has the secrets that it announces under another class or day');
      }
      places ??= row;
    });
    this.#retention.addSecrets(Number(body['key']), places, record);
    const known = isFirst ? [] : (this.#secretsOf[record.slot] ?? null);
    if (places !== null && known !== null) {
      known.unshift(places);
      known.length = Math.min(known.length, announcedMax);
    }
    this.#secretsOf[record.slot] = places === null ? null : known;
  }
}

const retentionKinds = ['key', 'keep', 'wrap', 'hold', 'erasure'] as const;
const secretsKinds: ReadonlySet<LeafKind> = new Set<LeafKind>(['open', 'epoch', 'secrets']);

function isOfRetention(kind: LeafKind | undefined): kind is (typeof retentionKinds)[number] {
  return retentionKinds.some((each) => each === kind);
}

/** Parses a body that says something about keys; null if it does not, or is malformed. */
function parseIfAboutKeys(kind: LeafKind, clear: Uint8Array): GovernanceBody | null {
  if (!isOfRetention(kind) && !secretsKinds.has(kind)) {
    return null;
  }
  try {
    return parseGovernanceBody(kind, clear);
  } catch (error) {
    if (error instanceof MalformedError) {
      return null;
    }
    throw error;
  }
}

/** The class and day of both secrets, as `open`, `epoch` and `secrets` name them; null if they do not. */
function placesOf({ meta, content }: GovernanceBody): SecretsPlaces | null {
  return Array.isArray(meta) && Array.isArray(content)
    ? { meta: { class: Number(meta[0]), day: Number(meta[1]) }, content: { class: Number(content[0]), day: Number(content[1]) } }
    : null;
}

function isSame(a: ClassDay, b: ClassDay): boolean {
  return a.class === b.class && a.day === b.day;
}

/** True if the session has a secret of the class and day that the leaf gives for this body, or there is no sealed body. */
function isAnnounced(secrets: readonly SecretsPlaces[], { view, at }: PlacedRecord, slot: 'meta' | 'content'): boolean {
  const stream = view.getUint8(at + entryOffsets[slot] + bodyOffsets.stream);
  if (stream === bodyStreams.none) {
    return true;
  }
  const [classAt, dayAt] = slot === 'meta' ? [leafOffsets.metaClass, leafOffsets.metaExpiryDay] : [leafOffsets.contentClass, leafOffsets.contentExpiryDay];
  const [keptClass, keptDay] = [view.getUint16(at + classAt), view.getUint32(at + dayAt)];
  const name = stream === bodyStreams.meta ? 'meta' : 'content';
  for (const { [name]: announced } of secrets) {
    if (announced.class === keptClass && announced.day === keptDay) {
      return true;
    }
  }
  return false;
}
