/** Verifies an anchor log, and that the stores that were given are all of its logs. Normative: docs/formats/anchor.md. */
import { anchorEntryHash, AnchorHistory, parseAnchorEntry, type AnchoredLog, type AnchoredTree } from './anchor.ts';
import { gatewayIdOf, type Checkpoint } from './checkpoint.ts';
import type { SigningKeys } from './keyring.ts';
import { MalformedError } from './malformed.ts';
import { noteBytesMax } from './note.ts';
import { equalBytes } from './proof.ts';
import { checkAnyNote, trustIn, type KeySource } from './store-trust.ts';
import { encodeUtf8 } from './text.ts';
import { decodeEntryBundle, entryBundlePath, tileWidth } from './tile.ts';
import { Frontier } from './tree.ts';
import { Findings, orMalformed, orMalformedLater, type Fault, type Finding, type Verdict } from './verdict.ts';
import type { ReadLogFile } from './verify-public-log.ts';
import { policyHolds, type WitnessPolicy } from './witness-policy.ts';

/** A witness writes what it has seen of a log at most this much later, in s. */
export const anchorEveryS = 600;
/** Most entries that are read of an anchor log. */
const entriesMax = 100_000_000;
/** A log that was not seen for so much longer, in s, has shown no new checkpoint: a gateway that runs records a heartbeat each minute. */
const graceS = 90;

const cosignedPlace = 'anchor/cosigned';

/** A checkpoint that the anchor log must contain, and the findings if it has another root there, and if it ends before. */
interface Claim {
  readonly checkpoint: Checkpoint;
  readonly where: string;
  readonly codes: { readonly differs: Fault; readonly missing: Fault };
}

interface AnchorOptions {
  /** The verifier keys that are trusted. Absent: the one in the log, which shows only that the log is consistent. */
  readonly keys?: readonly string[] | undefined;
  /** A checkpoint (signed note) of the anchor log that was kept elsewhere. The log must begin with what it signs. */
  readonly known?: string | undefined;
  /** The newest cosigned checkpoint of the log must meet it. */
  readonly witnesses?: WitnessPolicy | undefined;
}

/** The statements of an anchor log about one log, with which its store is compared. */
export interface AnchoredTrees {
  readonly keys: readonly string[];
  /** The trees of this log that the witness has seen, each of which the store must have. */
  readonly trees: readonly AnchoredTree[];
  /** The tree with which it was retired, if it was. */
  readonly retired?: AnchoredTree;
}

export interface AnchorReport {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly findingsDropped: number;
  readonly keySource: KeySource;
  /** The name of the anchor log, and the number of its entries, if a trusted key has signed its checkpoint. */
  readonly origin?: string;
  readonly entries: number;
  /** The time of the newest entry, Unix ms by the clock of the witness. Null: there is none. */
  readonly newestMs: number | null;
  readonly logs: readonly AnchorReportLog[];
  /** The newest cosigned checkpoint, if it meets the policy of witnesses that was given. */
  readonly cosigned?: { readonly entries: number; readonly quorumMs: number | null; readonly witnesses: readonly string[] };
}

export interface AnchorReportLog {
  readonly origin: string;
  readonly enrolledMs: number;
  /** The newest tree that the witness has seen, and when. */
  readonly records: number;
  readonly seenMs: number;
  /** Why it was retired, with its newest tree. Null: it was not. */
  readonly retired: string | null;
  /** True if the witness has seen nothing of it for longer than a gateway that runs leaves it without, before the newest entry. */
  readonly silent: boolean;
  /** The store is there; it is missing; none is needed, because the log was not enrolled in the time that was asked for; nobody asked for stores; or the log is not a gateway's, and has none. */
  readonly store: 'given' | 'missing' | 'unneeded' | 'unasked' | 'none';
}

export interface AnchoredStores {
  /** The origins of the stores that were given. */
  readonly given: ReadonlySet<string>;
  /** Unix ms: logs that were retired before `sinceMs`, or enrolled at `untilMs` or later, need no store. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** The greatest allowed age of what was seen of a log that is not retired, in ms. */
  readonly maxAgeMs?: number;
  readonly nowMs: number;
}

/** A bundle of entries. If it is not whole, entries are missing, and nothing follows. */
interface AnchorBundle {
  readonly path: string;
  readonly entries: readonly Uint8Array[];
  readonly isWhole: boolean;
}

/** Reads the entries of an anchor log of this size. Throws `MalformedError` for a bundle that is none. A partial bundle is removed once there is the full one. */
export async function* readAnchorBundles(read: ReadLogFile, size: number): AsyncGenerator<AnchorBundle, void> {
  if (size > entriesMax) {
    throw new MalformedError(`more than ${entriesMax} entries`);
  }
  for (let index = 0; index * tileWidth < size; index++) {
    const width = Math.min(tileWidth, size - index * tileWidth);
    const path = entryBundlePath(index, width);
    const bytes = (await read(path)) ?? (await read(entryBundlePath(index)));
    const entries = bytes === undefined ? [] : decodeEntryBundle(bytes).slice(0, width);
    const isWhole = entries.length === width;
    yield { path, entries, isWhole };
    if (!isWhole) {
      return;
    }
  }
}

/** An anchor log that was read, and checked by itself. */
export class AnchorCheck {
  readonly #findings = new Findings();
  readonly #history = new AnchorHistory();
  readonly #trees = new Map<string, AnchoredTree[]>();
  #keySource: KeySource = 'none';
  #origin: string | undefined;
  #newestS: number | null = null;
  #cosigned: AnchorReport['cosigned'];

  /** Reads an anchor log. Rejects with what `read` rejects with, and with `MalformedError` for keys that are none. */
  static async open(read: ReadLogFile, options: AnchorOptions = {}): Promise<AnchorCheck> {
    const check = new AnchorCheck();
    await check.#read(read, options);
    return check;
  }

  /** Returns the statements about one log. Undefined: it was not enrolled. */
  treesOf(origin: string): AnchoredTrees | undefined {
    const log = this.#history.logs.get(origin);
    return (
      log && {
        keys: log.keys,
        trees: this.#trees.get(origin) ?? [],
        ...(log.retired === null ? {} : { retired: log.newest }),
      }
    );
  }

  /** Adds what is missing among the stores, and returns the report. Null: the anchor log alone is asked about. To be called once. */
  finish(stores: AnchoredStores | null): AnchorReport {
    const logs = [...this.#history.logs.values()].map((log) => this.#judge(log, stores));
    if (stores?.maxAgeMs !== undefined && this.#cosigned !== undefined && stores.nowMs - (this.#cosigned.quorumMs ?? 0) > stores.maxAgeMs) {
      this.#findings.add('trust', cosignedPlace, 'is older than allowed');
    }
    const { verdict, list, dropped } = this.#findings;
    return {
      verdict,
      findings: list,
      findingsDropped: dropped,
      keySource: this.#keySource,
      ...(this.#origin === undefined ? {} : { origin: this.#origin }),
      entries: this.#history.size,
      newestMs: this.#newestS === null ? null : this.#newestS * 1000,
      logs,
      ...(this.#cosigned === undefined ? {} : { cosigned: this.#cosigned }),
    };
  }

  async #read(read: ReadLogFile, { keys: given, known, witnesses }: AnchorOptions): Promise<void> {
    const findings = this.#findings;
    const key = await read('key');
    if (key === undefined && (await read('checkpoint')) === undefined) {
      findings.add('malformed', '.', 'not an anchor log: no checkpoint, no key');
      return;
    }
    const { keys, source } = await trustIn({ key, keyring: undefined }, given, findings, 'anchor/key');
    this.#keySource = source;
    const claims: Claim[] = [];
    const knownCheckpoint = known === undefined ? undefined : await checkAnyNote(encodeUtf8(known), 'known checkpoint', keys, findings);
    if (knownCheckpoint !== undefined) {
      claims.push({ checkpoint: knownCheckpoint, where: 'known checkpoint', codes: { differs: 'trust', missing: 'trust' } });
    }
    // It is read before the newest checkpoint, so a witness that runs cannot have more cosigned than is read.
    const cosigned = witnesses === undefined || witnesses.quorum === null ? undefined : await this.#readCosigned(read, keys, witnesses);
    if (cosigned !== undefined) {
      claims.push({ checkpoint: cosigned, where: cosignedPlace, codes: { differs: 'integrity', missing: 'completeness' } });
    }
    const bytes = await this.#readNote(read, 'checkpoint', 'completeness');
    const signed = bytes && (await checkAnyNote(bytes, 'anchor/checkpoint', keys, findings));
    if (signed === undefined) {
      return;
    }
    this.#origin = signed.origin;
    for (const { checkpoint, where, codes } of claims) {
      if (checkpoint.origin !== signed.origin) {
        findings.add('trust', where, 'is of another log');
      } else if (checkpoint.size > signed.size) {
        findings.add(codes.missing, where, `has the size ${checkpoint.size}: the anchor log, with ${signed.size}, is older`);
      }
    }
    await this.#follow(read, signed, claims);
  }

  /** Reads the entries under a checkpoint. Where the log has the size of another one, it must have its root. */
  async #follow(read: ReadLogFile, signed: Checkpoint, claims: readonly Claim[]): Promise<void> {
    const findings = this.#findings;
    const frontier = new Frontier();
    let isCut = false;
    await orMalformedLater(findings, 'anchor/tile/entries', async () => {
      for await (const { path, entries, isWhole } of readAnchorBundles(read, signed.size)) {
        for (const entry of entries) {
          frontier.append(anchorEntryHash(entry));
          this.#addEntry(entry);
          for (const { where, codes } of claims.filter(({ checkpoint: { size, root } }) => size === frontier.size && !equalBytes(frontier.root(), root))) {
            findings.add(codes.differs, where, 'is of another history');
          }
        }
        isCut = !isWhole;
        if (isCut) {
          findings.add('completeness', `anchor/${path}`, 'is missing, or has fewer entries than it must');
        }
      }
    });
    if (!isCut && !equalBytes(frontier.root(), signed.root)) {
      findings.add('integrity', 'anchor/checkpoint', 'root is not that of its entries');
    }
  }

  async #readNote(read: ReadLogFile, path: string, missing: Fault): Promise<Uint8Array | undefined> {
    const bytes = await read(path);
    if (bytes === undefined || bytes.length > noteBytesMax) {
      this.#findings.add(bytes === undefined ? missing : 'malformed', `anchor/${path}`, bytes === undefined ? 'missing' : 'too long');
      return undefined;
    }
    return bytes;
  }

  /** Reads the newest cosigned checkpoint, which must meet the policy. */
  async #readCosigned(read: ReadLogFile, keys: SigningKeys, policy: WitnessPolicy): Promise<Checkpoint | undefined> {
    const bytes = await this.#readNote(read, 'cosigned', 'trust');
    const checkpoint = bytes && (await checkAnyNote(bytes, cosignedPlace, keys, this.#findings));
    if (bytes === undefined || checkpoint === undefined) {
      return undefined;
    }
    const { holds, forged, why, quorumMs, witnessed } = await policyHolds(bytes, policy, keys);
    if (holds) {
      this.#cosigned = { entries: checkpoint.size, quorumMs, witnesses: witnessed.map(({ name }) => name) };
    } else {
      this.#findings.add(forged.length > 0 ? 'integrity' : 'trust', cosignedPlace, why);
    }
    return checkpoint;
  }

  #addEntry(bytes: Uint8Array): void {
    const at = this.#history.size;
    const entry = orMalformed(this.#findings, `anchor entry ${at}`, () => parseAnchorEntry(bytes));
    const objection = entry === undefined ? null : this.#history.objectionTo(entry);
    this.#history.add(entry ?? null);
    if (entry === undefined) {
      return;
    }
    if (objection !== null) {
      this.#findings.add('integrity', `anchor entry ${at}`, objection);
      return;
    }
    const { origin, size, root, timeS } = entry;
    this.#newestS = Math.max(this.#newestS ?? 0, timeS);
    const trees = this.#trees.get(origin) ?? [];
    this.#trees.set(origin, trees);
    if (size > (trees.at(-1)?.size ?? 0)) {
      trees.push({ size, root, timeS, entry: at });
    }
  }

  #judge({ origin, enrolledS, newest, retired }: AnchoredLog, stores: AnchoredStores | null): AnchorReportLog {
    const seenMs = newest.timeS * 1000;
    const { sinceMs = 0, untilMs = Infinity } = stores ?? {};
    const isAsked = stores !== null && (retired === null || seenMs >= sinceMs) && enrolledS * 1000 < untilMs;
    const store =
      stores === null ? 'unasked' : stores.given.has(origin) ? 'given' : gatewayIdOf(origin) === undefined ? 'none' : isAsked ? 'missing' : 'unneeded';
    const where = `${origin} (anchor entry ${newest.entry})`;
    if (store === 'missing') {
      this.#findings.add('completeness', where, `it has ${newest.size} records at least, and its store is none of those given`);
    }
    if (isAsked && retired === null && stores.nowMs - seenMs > (stores.maxAgeMs ?? Infinity)) {
      this.#findings.add('trust', where, 'the witness has seen nothing of it for longer than allowed');
    }
    const silent = retired === null && (this.#newestS ?? 0) - newest.timeS > anchorEveryS + graceS;
    return { origin, enrolledMs: enrolledS * 1000, records: newest.size, seenMs, retired, silent, store };
  }
}
