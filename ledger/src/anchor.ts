/** The entries of an anchor log, and what they say of the logs of gateways. Normative: docs/formats/anchor.md. */
import { decodeBase64, encodeBase64 } from './base64.ts';
import { sha256 } from './crypto.ts';
import { ringKeysMax } from './keyring.ts';
import { hashBytes } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { isKeyName, parseVerifierKey } from './note.ts';
import { equalBytes } from './proof.ts';
import { decodeUtf8, encodeUtf8, parseDecimal } from './text.ts';
import { tileWidth } from './tile.ts';
import { emptyRoot } from './tree.ts';

/** Most bytes of an entry, and of any file of an anchor log: 256 entries, each with its length. */
export const anchorEntryBytesMax = 2048;
export const anchorFileBytesMax = tileWidth * (2 + anchorEntryBytesMax);
/** Most characters of a reason. */
export const anchorReasonMax = 200;
/** Most logs that are enrolled in one anchor log. */
const logsMax = 10_000;
/** The latest time that a `Date` can hold, in s since 1970. */
const timeSMax = 8.64e12;

/** A tree of a log at a time. */
interface TimedTree {
  readonly size: number;
  readonly root: Uint8Array;
  /** Seconds since 1970, by the clock of the witness. */
  readonly timeS: number;
}

/** `enrol`: a log begins to count, or gets a further key. `seen`: the witness has cosigned this tree. `retire`: the log has ended with this tree. */
export type AnchorEntry = TimedTree & { readonly origin: string } & (
    | { readonly kind: 'enrol'; readonly vkey: string }
    | { readonly kind: 'seen' }
    | { readonly kind: 'retire'; readonly reason: string }
  );

/** Formats an entry. Throws `MalformedError` for one that would not be read again. */
export function formatAnchorEntry(entry: AnchorEntry): Uint8Array {
  const { kind, timeS, origin, size, root } = entry;
  const last = kind === 'seen' ? '' : `${kind === 'enrol' ? entry.vkey : entry.reason}\n`;
  const bytes = encodeUtf8(`${kind}\n${timeS}\n${origin}\n${size}\n${encodeBase64(root)}\n${last}`);
  parseAnchorEntry(bytes);
  return bytes;
}

/** Parses exactly what `formatAnchorEntry` makes. Throws `MalformedError` for anything else. */
export function parseAnchorEntry(bytes: Uint8Array): AnchorEntry {
  if (bytes.length > anchorEntryBytesMax) {
    throw new MalformedError(`an entry of an anchor log has at most ${anchorEntryBytesMax} bytes`);
  }
  const lines = decodeUtf8(bytes).split('\n');
  const isEnded = lines.pop() === '';
  const [kind, time = '', origin = '', size = '', root = '', last, ...rest] = lines;
  const tree = { timeS: parseDecimal(time), origin, size: parseDecimal(size), root: decodeBase64(root) };
  const isRoot = tree.root.length === hashBytes && (tree.size > 0 || equalBytes(tree.root, emptyRoot));
  if (isEnded && isRoot && isKeyName(origin) && tree.timeS <= timeSMax && rest.length === 0) {
    if (kind === 'enrol' && last !== undefined && parseVerifierKey(last).name === origin) {
      return { ...tree, kind, vkey: last };
    }
    if (kind === 'seen' && last === undefined) {
      return { ...tree, kind };
    }
    if (kind === 'retire' && last !== undefined && isAnchorReason(last)) {
      return { ...tree, kind, reason: last };
    }
  }
  throw new MalformedError('not an entry of an anchor log');
}

/** True for a text that a retirement may give as its reason: one line of 1 to 200 characters. */
export function isAnchorReason(text: string): boolean {
  return text.trim() !== '' && text.length <= anchorReasonMax && text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** The leaf hash of an entry, as RFC 6962 has it. */
export function anchorEntryHash(entry: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + entry.length);
  input.set(entry, 1);
  return sha256(input);
}

/** A tree of a log, and the entry that names it. */
export interface AnchoredTree extends TimedTree {
  /** The index of the entry in the anchor log. */
  readonly entry: number;
}

/** A log, as the entries so far say of it. */
export interface AnchoredLog {
  readonly origin: string;
  /** Its verifier keys, as they were enrolled. */
  readonly keys: readonly string[];
  readonly enrolledS: number;
  /** The newest tree that an entry names. */
  readonly newest: AnchoredTree;
  /** The reason for which it was retired. Null: it was not. */
  readonly retired: string | null;
}

/** The logs of an anchor log, as its entries follow each other. */
export class AnchorHistory {
  readonly logs = new Map<string, AnchoredLog>();
  #size = 0;

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  /** Adds the next entry; null: one that cannot be read. An entry to which there is an objection counts as one, and changes nothing. */
  add(entry: AnchorEntry | null): void {
    if (entry !== null && this.objectionTo(entry) === null) {
      const { origin, size, root, timeS } = entry;
      const { keys = [], enrolledS = timeS } = this.logs.get(origin) ?? {};
      this.logs.set(origin, {
        origin,
        keys: entry.kind === 'enrol' ? [...keys, entry.vkey] : keys,
        enrolledS,
        newest: { size, root, timeS, entry: this.#size },
        retired: entry.kind === 'retire' ? entry.reason : null,
      });
    }
    this.#size += 1;
  }

  /** Says what makes an entry impossible after those before it. Null: nothing does. */
  objectionTo(entry: AnchorEntry): string | null {
    const log = this.logs.get(entry.origin);
    if (log !== undefined) {
      return objectionOf(log, entry);
    }
    if (entry.kind !== 'enrol') {
      return 'names a log that was not enrolled';
    }
    return this.logs.size < logsMax ? null : `enrols more than ${logsMax} logs`;
  }
}

function objectionOf({ keys, newest, retired }: AnchoredLog, entry: AnchorEntry): string | null {
  if (retired !== null) {
    return 'names a log that was retired';
  }
  if (entry.kind === 'enrol' && (keys.includes(entry.vkey) || keys.length === ringKeysMax)) {
    return `gives a log a key that it has, or more than ${ringKeysMax}`;
  }
  if (entry.size < newest.size) {
    return `has fewer records than entry ${newest.entry}`;
  }
  return entry.size === newest.size && !equalBytes(entry.root, newest.root) ? `has another root than entry ${newest.entry} at the same size` : null;
}
