import { countOf } from '../domain/count-of.ts';
import { join } from 'node:path';
import { MalformedError, parseVerifierKey } from '@countersign/ledger';
import {
  encodeUtf8,
  formatBundleCheckpoint,
  formatBundleHeader,
  formatBundlePolicy,
  formatBundleRecord,
  formatReceipt,
  formatVerifierKey,
  frameEntries,
  gatewayIdOf,
  leafFlags,
  leafHash,
  openKeyRing,
  originOf,
  parseCheckpoint,
  parseTilePath,
  SigningKeys,
  storesContent,
  verifyInclusion,
  verifyNote,
  type BundleBody,
  type BundleRecord,
  type TileReader,
} from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { Turn } from '../recording/turn.ts';
import { findSegment, isPlacedFrame, readJournal, type JournalPlace } from '../recording/journal-reader.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import { readSession, SessionOpener, SessionWalk, type RawRecord, type SessionExtent } from '../recording/session-reader.ts';
import { readPublicKeys } from '../recording/public-keys.ts';
import { openTiles, readTile } from '../recording/tile-store.ts';
import { readLimitedFile } from '../store/limited-file.ts';

/** Most bytes of a file of the log that is no tile: a keyring may have so many, a note fewer or as many. */
const logFileBytesMax = 1024 * 1024;

export interface Log {
  readonly data: string;
  /** 16 hex digits. */
  readonly gatewayId: string;
  readonly keys: SigningKeys;
  /** The keyring as it is published; null: the key was never rotated. */
  readonly keyring: string | null;
}

/** Opens the published log of a store. Rejects with GatewayError `store_damaged`. */
export async function openLog(data: string): Promise<Log> {
  try {
    // The keyring is read last: it has every key that log/key ever had.
    const key = parseVerifierKey((await readPublicKeys(data, 'key'))?.trim() ?? '');
    const keyring = await readPublicKeys(data, 'keys');
    const keys = new SigningKeys([key], keyring === null ? [] : [await openKeyRing(encodeUtf8(keyring))]);
    const gatewayId = gatewayIdOf(key.name);
    if (gatewayId !== undefined) {
      return { data, gatewayId, keys, keyring };
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) {
      throw error;
    }
  }
  throw new GatewayError(
    'store_damaged',
    `log/key of ${data} is missing, or it or log/keys is not of a gateway. The next start of the gateway on this store writes them again.`,
  );
}

/** A checkpoint that a key of the log has signed. */
export interface SignedCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  /** The verifier key of the log that signs at this size. */
  readonly vkey: string;
}

/** Verifies and parses a checkpoint. Rejects with GatewayError `store_damaged`. */
export async function openCheckpoint({ keys }: Log, note: string): Promise<SignedCheckpoint> {
  try {
    const result = await verifyNote(Buffer.from(note), keys.all);
    if (result.outcome === 'verified') {
      const { size, root } = parseCheckpoint(result.note.text);
      const key = result.signers.find((signer) => keys.signs(signer, size));
      if (key !== undefined) {
        return { size, root, note, vkey: formatVerifierKey(key) };
      }
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) {
      throw error;
    }
  }
  throw new GatewayError('store_damaged', 'log/checkpoint is not what a key of log/key or log/keys signs at its size: run countersign verify.');
}

/** Makes proofs of records under a checkpoint. Each proof is verified before it is given out. */
export class Prover {
  readonly #checkpoint: SignedCheckpoint;
  readonly #tiles: TileReader;

  constructor({ data }: Log, checkpoint: SignedCheckpoint) {
    this.#checkpoint = checkpoint;
    this.#tiles = openTiles(`${data}/log`, checkpoint.size);
  }

  /** Returns whether a leaf is in the log under the checkpoint, and where it should be; true for a leaf that is not under it yet. */
  async holds(index: number, leaf: Uint8Array): Promise<boolean> {
    const { size, root } = this.#checkpoint;
    return index >= size || verifyInclusion({ index, size, leafHash: leafHash(leaf), root, proof: await this.#tiles.inclusionProof(index) });
  }

  /** The hashes of the inclusion proof, from the leaf's sibling up. Rejects with GatewayError `store_damaged`. */
  async prove(index: number, leaf: Uint8Array): Promise<Uint8Array[]> {
    const { size, root } = this.#checkpoint;
    const proof = await this.#tiles.inclusionProof(index);
    if (!verifyInclusion({ index, size, leafHash: leafHash(leaf), root, proof })) {
      throw new GatewayError(
        'store_damaged',
        `The published log does not prove record ${index}: log/tile is damaged, or the record is. Stop the gateway and run countersign verify; tiles that are deleted are made again by the next start.`,
      );
    }
    return proof;
  }
}

/** Makes a C2SP tlog-proof that the record is in the ledger. Rejects with GatewayError `not_found` or `store_damaged`. */
export async function makeReceipt(log: Log, { note }: PublishedCheckpoint, index: number): Promise<string> {
  const checkpoint = await openCheckpoint(log, note);
  if (!Number.isSafeInteger(index) || index < 0 || index >= checkpoint.size) {
    throw new GatewayError('not_found', `There is no record ${log.gatewayId}/${index}: the log has ${countOf(checkpoint.size, 'record')}.`);
  }
  const leaf = await findLeaf(log.data, index);
  const proof = await new Prover(log, checkpoint).prove(index, leaf);
  return formatReceipt({ index, leaf, proof, checkpoint: checkpoint.note });
}

/** Reads a file of the public log: `checkpoint`, `key`, `keys`, `cosigned`, `cosigned.kept/...`, `timestamps/...`, `tile/...`. Null if there is none. */
export async function readLogFile(data: string, path: string): Promise<Uint8Array | null> {
  const log = join(data, 'log');
  if (parseTilePath(path) !== undefined) {
    return readTile(log, path);
  }
  return /^(?:checkpoint|keys?|cosigned(?:\.kept\/\d{1,16})?|timestamps\/\d{1,16})$/.test(path)
    ? readLimitedFile(join(log, path), logFileBytesMax).catch(() => null)
    : null;
}

/** Returns the leaf of a record. Rejects with GatewayError `not_found` or `store_damaged`. */
export async function findLeaf(data: string, index: number): Promise<Uint8Array> {
  for await (const step of readJournal(data, await findSegment(data, index))) {
    if (!isPlacedFrame(step)) {
      continue;
    }
    const { frame } = step;
    const { header } = frame;
    if (header.type === 'batch' && index < header.index + header.entries) {
      const entry = [...frameEntries(frame)][index - header.index];
      if (entry !== undefined) {
        return entry.leaf.slice();
      }
    }
  }
  throw new GatewayError('store_damaged', `Record ${index} is not where the journal should have it: run countersign verify.`);
}

/** The record of a version of the policies. */
export interface PolicyPlace {
  /** The session of the gateway that has it. */
  readonly extent: SessionExtent;
  readonly seq: number;
}

/** The bodies of a session that are left out though they can be opened: the numbers of the records. */
export interface HiddenBodies {
  readonly content: ReadonlySet<number>;
  readonly facts: ReadonlySet<number>;
}

export interface BundleOptions {
  readonly checkpoint: PublishedCheckpoint;
  readonly hidden?: HiddenBodies;
  /** Finds the record of a version of the policies; resolves with null if it is not there. Null: the bundle gets no policies. */
  readonly findPolicy: ((version: string) => Promise<PolicyPlace | null>) | null;
}

/**
 * Yields the lines of the bundle of one session. The session is read once to its end before the first line is made, so that a part never passes for the whole.
 * Throws GatewayError `store_damaged` or `conflict`.
 */
export async function* makeBundle(
  log: Log,
  keys: KeyStore,
  extent: SessionExtent,
  { checkpoint: { note }, findPolicy, hidden }: BundleOptions,
): AsyncGenerator<string> {
  const { session } = extent;
  const checkpoint = await openCheckpoint(log, note);
  const prover = new Prover(log, checkpoint);
  const records = await countRecords(log.data, extent, { size: checkpoint.size, prover });
  const { vkey: key } = checkpoint;
  yield formatBundleHeader({ log: originOf(log.gatewayId), key, keyring: log.keyring, session, scope: 'session', records, hasPolicies: findPolicy !== null });
  const opener = new SessionOpener(keys);
  const walk = new SessionWalk(session);
  const turn = new Turn();
  const versions = new Set<string | null>();
  for await (const raw of readSession(log.data, extent, walk)) {
    opener.learnSecrets(raw);
    const record = await bundleRecord(raw, opener, prover);
    yield formatBundleRecord(hidden === undefined ? record : without(record, raw.leaf.sessionSeq, hidden));
    if (findPolicy !== null) {
      versions.add(versionNamed(record.meta));
    }
    await turn.spend(2 * raw.entry.storedContent.length);
    if (walk.next === records) {
      break;
    }
  }
  const places = await Promise.all([...versions].map(async (version) => (version === null ? null : (findPolicy?.(version) ?? null))));
  const policies: BundleRecord[] = [];
  for (const place of places) {
    if (place !== null && place.extent.session !== session) {
      policies.push(await policyRecord(log.data, place, new SessionOpener(keys), prover));
    }
  }
  for (const policy of policies.toSorted((a, b) => a.index - b.index)) {
    yield formatBundlePolicy(policy);
  }
  yield formatBundleCheckpoint(note);
}

/** Returns a record without those of its bodies that are left out. */
export function without(record: BundleRecord, seq: number, { content, facts }: HiddenBodies): BundleRecord {
  const { form } = record.meta;
  return {
    ...record,
    meta: form === 'opened' && facts.has(seq) ? { form: 'withheld' } : record.meta,
    content: record.content.form === 'opened' && content.has(seq) ? { form: 'withheld' } : record.content,
  };
}

/** Returns the version of the policies that a record names; null if it names none, or its facts cannot be opened. */
function versionNamed(meta: BundleBody): string | null {
  if (meta.form !== 'opened') {
    return null;
  }
  const { policyVersion }: { readonly policyVersion?: unknown } = JSON.parse(Buffer.from(meta.plaintext).toString());
  return typeof policyVersion === 'string' ? policyVersion : null;
}

/** Reads the record of a version of the policies. The records before it are opened too, because it may repeat parts of them. */
async function policyRecord(data: string, { extent, seq }: PolicyPlace, opener: SessionOpener, prover: Prover): Promise<BundleRecord> {
  const turn = new Turn();
  for await (const raw of readSession(data, extent, new SessionWalk(extent.session))) {
    if (raw.leaf.sessionSeq === seq) {
      opener.learnSecrets(raw);
      return bundleRecord(raw, opener, prover);
    }
    opener.open(raw);
    await turn.spend(2 * raw.entry.storedContent.length);
  }
  throw new GatewayError('store_damaged', `Record ${seq} of session ${extent.session} is not there: run countersign verify.`);
}

async function countRecords(data: string, extent: SessionExtent, { size, prover }: { readonly size: number; readonly prover: Prover }): Promise<number> {
  const walk = new SessionWalk(extent.session);
  const turn = new Turn();
  for await (const { leaf, leafBytes } of readSession(data, extent, walk)) {
    if (leaf.logIndex >= size) {
      throw new GatewayError(
        'conflict',
        `The last records of session ${extent.session} are not under the checkpoint: start the gateway on this data directory once, or ask again when a later checkpoint has a timestamp.`,
      );
    }
    await prover.prove(leaf.logIndex, leafBytes);
    await turn.spend(0);
  }
  if (!walk.isClosed) {
    await assertReaches(data, walk.place, size);
  }
  return walk.next;
}

/** Checks that the journal reaches record `size`, for a session without an end: records that a damaged journal lost would not be noticed otherwise. */
async function assertReaches(data: string, from: JournalPlace, size: number): Promise<void> {
  for await (const step of readJournal(data, from)) {
    if (isPlacedFrame(step) && step.frame.header.type === 'batch' && step.frame.header.index + step.frame.header.entries >= size) {
      return;
    }
  }
  throw new GatewayError('store_damaged', 'The journal ends before the records that its checkpoint signs: run countersign verify.');
}

export async function bundleRecord(raw: RawRecord, opener: SessionOpener, prover: Prover): Promise<BundleRecord> {
  return {
    index: raw.leaf.logIndex,
    leaf: raw.leafBytes,
    proof: await prover.prove(raw.leaf.logIndex, raw.leafBytes),
    meta: bundleBody(raw, opener, 'meta'),
    content: bundleBody(raw, opener, 'content'),
  };
}

function bundleBody(raw: RawRecord, opener: SessionOpener, slot: 'meta' | 'content'): BundleBody {
  const { flags } = raw.leaf;
  if (slot === 'meta' ? (flags & leafFlags.hasMeta) === 0 : !storesContent(flags)) {
    return { form: 'none' };
  }
  if (slot === 'meta' && (flags & leafFlags.metaClear) !== 0) {
    return { form: 'clear', text: new TextDecoder().decode(raw.entry.storedMeta) };
  }
  const body = opener.openBody(raw, slot);
  if (body.state === 'mismatch') {
    throw new GatewayError('store_damaged', `Record ${raw.leaf.logIndex} is not what its leaf commits to: run countersign verify.`);
  }
  return body.state === 'open' ? { form: 'opened', salt: body.salt, plaintext: body.plain } : { form: 'withheld' };
}
