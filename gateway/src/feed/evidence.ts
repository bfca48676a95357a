import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBundleCheckpoint, formatBundleHeader, formatBundleRecord, type BundleBody, type BundleRecord } from '@countersign/ledger/bundle.ts';
import { originOf } from '@countersign/ledger/checkpoint.ts';
import { leafFlags } from '@countersign/ledger/leaf.ts';
import { frameEntries } from '@countersign/ledger/segment-reader.ts';
import { parseTilePath, type TileReader } from '@countersign/ledger/tile.ts';
import { formatReceipt } from '@countersign/ledger/tlog-proof.ts';
import { GatewayError } from '../domain/errors.ts';
import { Turn } from '../domain/turn.ts';
import { findSegment, isPlacedFrame, readJournal, type JournalPlace } from '../recording/journal-reader.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { PublishedCheckpoint } from '../recording/recorder-options.ts';
import { readSession, SessionOpener, SessionWalk, type RawRecord, type SessionExtent } from '../recording/session-reader.ts';
import { openTiles, readTile } from '../recording/tile-store.ts';

export interface Log {
  readonly data: string;
  /** 16 hex digits. */
  readonly gatewayId: string;
  /** The vkey line of `log/key`. */
  readonly key: string;
}

/** A C2SP tlog-proof that the record is in the ledger. Errors: `not_found`. */
export async function makeReceipt(log: Log, checkpoint: PublishedCheckpoint, index: number): Promise<string> {
  if (!Number.isSafeInteger(index) || index < 0 || index >= checkpoint.size) {
    throw new GatewayError('not_found', `There is no record ${log.gatewayId}/${index}: the log has ${checkpoint.size} records.`);
  }
  const leaf = await findLeaf(log.data, index);
  const proof = await openTiles(`${log.data}/log`, checkpoint.size).inclusionProof(index);
  return formatReceipt({ index, leaf, proof, checkpoint: checkpoint.note });
}

/** A file of the public log: `checkpoint`, `key`, `tile/...`; null when there is none. */
export async function readLogFile(data: string, path: string): Promise<Uint8Array | null> {
  const log = join(data, 'log');
  if (parseTilePath(path) !== undefined) {
    return readTile(log, path);
  }
  return path === 'checkpoint' || path === 'key' ? readFile(join(log, path)).catch(() => null) : null;
}

async function findLeaf(data: string, index: number): Promise<Uint8Array> {
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

/**
 * The lines of a bundle of one session. It is read through once before the first line is made: a part never passes for the whole.
 * Errors: `store_damaged`, `conflict`.
 */
export async function* makeBundle(log: Log, keys: KeyStore, extent: SessionExtent, checkpoint: PublishedCheckpoint): AsyncGenerator<string> {
  const { session } = extent;
  const records = await countRecords(log.data, extent, checkpoint);
  yield formatBundleHeader({ log: originOf(log.gatewayId), key: log.key, session, scope: 'session', records });
  const tiles = openTiles(`${log.data}/log`, checkpoint.size);
  const opener = new SessionOpener(keys);
  const walk = new SessionWalk(session);
  const turn = new Turn();
  for await (const raw of readSession(log.data, extent, walk)) {
    opener.learnKey(raw);
    yield formatBundleRecord(await bundleRecord(raw, opener, tiles));
    await turn.spend(2 * raw.entry.storedContent.length);
    if (walk.next === records) {
      break;
    }
  }
  yield formatBundleCheckpoint(checkpoint.note);
}

async function countRecords(data: string, extent: SessionExtent, checkpoint: PublishedCheckpoint): Promise<number> {
  const walk = new SessionWalk(extent.session);
  const turn = new Turn();
  for await (const { leaf } of readSession(data, extent, walk)) {
    if (leaf.logIndex >= checkpoint.size) {
      throw new GatewayError(
        'conflict',
        'The last records of this session are not under a published checkpoint: start the gateway on this data directory once.',
      );
    }
    await turn.spend(0);
  }
  if (!walk.isClosed) {
    await assertReaches(data, walk.place, checkpoint.size);
  }
  return walk.next;
}

/** Of a session that goes on, what a damaged journal does not have any more would not be missed. */
async function assertReaches(data: string, from: JournalPlace, size: number): Promise<void> {
  for await (const step of readJournal(data, from)) {
    if (isPlacedFrame(step) && step.frame.header.type === 'batch' && step.frame.header.index + step.frame.header.entries >= size) {
      return;
    }
  }
  throw new GatewayError('store_damaged', 'The journal ends before what its checkpoint signs: run countersign verify.');
}

async function bundleRecord(raw: RawRecord, opener: SessionOpener, tiles: TileReader): Promise<BundleRecord> {
  return {
    index: raw.leaf.logIndex,
    leaf: raw.leafBytes,
    proof: await tiles.inclusionProof(raw.leaf.logIndex),
    meta: await bundleBody(raw, opener, 'meta'),
    content: await bundleBody(raw, opener, 'content'),
  };
}

async function bundleBody(raw: RawRecord, opener: SessionOpener, slot: 'meta' | 'content'): Promise<BundleBody> {
  const { flags } = raw.leaf;
  if ((flags & (slot === 'meta' ? leafFlags.hasMeta : leafFlags.hasContent)) === 0) {
    return { form: 'none' };
  }
  if (slot === 'meta' && (flags & leafFlags.metaClear) !== 0) {
    return { form: 'clear', text: new TextDecoder().decode(raw.entry.storedMeta) };
  }
  const body = await opener.openBody(raw, slot);
  if (body.state === 'mismatch') {
    throw new GatewayError('store_damaged', `Record ${raw.leaf.logIndex} is not what its leaf commits to: run countersign verify.`);
  }
  return body.state === 'open' ? { form: 'opened', salt: body.salt, plaintext: body.plain } : { form: 'withheld' };
}
