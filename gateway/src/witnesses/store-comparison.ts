import { open } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  formatCheckpoint,
  Frontier,
  hashBytes,
  originOf,
  parseTilePath,
  segmentName,
  signNote,
  TileReader,
  type SegmentSummary,
} from '@countersign/ledger/format';
import { countOf } from '../domain/count-of.ts';
import { GatewayError } from '../domain/errors.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import { rolledBack, type JournalEnd } from '../recording/recovery.ts';
import { readTile } from '../recording/tile-store.ts';
import { writeWholeFile } from '../store/whole-file.ts';
import { isQuorum, type WitnessPolicy } from '@countersign/ledger/format';
import { proveWith, type Cosigning } from './cosigning.ts';
import type { CosignerStatus } from './cosigner.ts';

/** The witnesses are asked for at most this long before a start goes on. */
const startMs = 10_000;

interface ComparedStore {
  readonly data: string;
  readonly keys: Pick<KeyStore, 'signer'>;
  readonly end: JournalEnd;
}

/** The outcome for a start that goes on. */
export interface Comparison {
  /** The number of records that the witnesses have seen of what is lost; null: nothing is lost, or it was declared at an earlier start. */
  readonly lostSize: number | null;
  /** Those that have seen more records or another history, and are too few for a quorum, or their loss was declared before. */
  readonly disagreeing: readonly CosignerStatus[];
}

/**
 * Compares the store with what the witnesses have seen of its log, before anything is recorded. Witnesses that cannot be reached say nothing. Rejects with GatewayError
 * `store_rolled_back` if a quorum has seen more records or another history, unless `mayRollBack`.
 */
export async function compareWithWitnesses(
  cosigning: Cosigning,
  policy: WitnessPolicy,
  { store, mayRollBack }: { readonly store: ComparedStore; readonly mayRollBack: boolean },
): Promise<Comparison> {
  const { segment, size } = store.end;
  if (segment === null || size === 0) {
    return { lostSize: null, disagreeing: [] };
  }
  const checkpoint = await checkpointOf(store, segment);
  const prove = proveWith((to) => tilesOf(store, to));
  const disagreeing = await cosigning.compare(checkpoint, prove, startMs);
  const declared = readDeclared(store.data);
  const undeclared = disagreeing.filter((witness) => (witness.size ?? size) > declared);
  const isRolledBack = policy.quorum !== null && isQuorum(policy, new Set(undeclared.map(({ name }) => name)));
  if (!isRolledBack || undeclared.length === 0) {
    return { lostSize: null, disagreeing };
  }
  const lostSize = Math.max(...undeclared.map((witness) => witness.size ?? size));
  if (!mayRollBack) {
    const words = undeclared.map(({ name, why }) => `${name}: ${why}`).join('; ');
    throw rolledBack(
      `The store ends after ${countOf(size, 'record')}, and its witnesses have seen another log (${words}). Restore the newer copy of the data directory`,
    );
  }
  writeWholeFile(declaredFile(store.data), `${JSON.stringify({ declared: lostSize })}\n`);
  return { lostSize, disagreeing };
}

/** Signs a checkpoint over the whole journal, once all of it is on stable storage: no witness may see what a loss of power takes away. */
async function checkpointOf({ data, keys, end }: ComparedStore, { segment, bytes, chain }: SegmentSummary): Promise<PublishedCheckpoint> {
  await using handle = await open(join(data, 'journal', segmentName(segment)), 'r');
  await handle.sync();
  const { gatewayId, signer } = keys.signer();
  const root = new Frontier({ size: end.size, subtrees: end.subtrees }).root();
  const origin = originOf(gatewayId);
  const text = formatCheckpoint({ origin, size: end.size, root, journal: { segment, offset: bytes, chain } });
  return { size: end.size, note: signNote(text, { ...signer, name: origin }) };
}

/** The tiles of the recovered log: the growing ones are in memory, the full ones are files. */
function tilesOf({ data, end }: ComparedStore, size: number): TileReader {
  return new TileReader(size, async (path) => {
    const tile = parseTilePath(path);
    const edge = tile === undefined ? undefined : end.tiles[tile.level];
    const bytes =
      tile !== undefined && edge?.index === tile.index && edge.hashes.length >= tile.width * hashBytes
        ? edge.hashes.subarray(0, tile.width * hashBytes)
        : await readTile(join(data, 'log'), path);
    if (bytes === null) {
      throw new GatewayError('store_damaged', `The tile log/${path} is missing: run countersign verify.`);
    }
    return bytes;
  });
}

function declaredFile(data: string): string {
  return join(data, 'witnesses');
}

/** The number of records whose loss an earlier start has declared because witnesses had seen them; -1: none was. */
function readDeclared(data: string): number {
  try {
    const { declared }: { readonly declared?: unknown } = JSON.parse(readFileSync(declaredFile(data), 'utf8'));
    return typeof declared === 'number' ? declared : -1;
  } catch {
    // Without the file the witnesses are asked as if nothing had been declared.
    return -1;
  }
}
