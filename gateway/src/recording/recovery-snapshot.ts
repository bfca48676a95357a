import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeHex, encodeHex, hashBytes, sha256, type SegmentSummary } from '@countersign/ledger/format';
import { z } from 'zod';
import type { AnnouncedSecrets, SessionEnd } from './journal-fold.ts';
import { replaceWholeFile } from '../store/whole-file.ts';
import type { TileEdges } from './tile-store.ts';

/** What the journal amounts to at the end of one of its segments: with it, a start reads only the segments behind that. */
export interface RecoverySnapshot {
  readonly segment: SegmentSummary;
  readonly size: number;
  readonly epoch: number;
  /** The gateway's own session in that epoch. */
  readonly own: string | null;
  readonly secrets: AnnouncedSecrets | null;
  readonly subtrees: readonly Uint8Array[];
  readonly tiles: TileEdges;
  /** The sessions without a `close`, the gateway's own among them. */
  readonly sessions: readonly SessionEnd[];
}

const count = z.int().min(0);
const hash = z
  .hex()
  .length(2 * hashBytes)
  .transform((text) => decodeHex(text, hashBytes));
const hashes = z.hex().transform((text) => decodeHex(text, text.length / 2));

const schema = z.object({
  segment: z.object({ segment: count.min(1), bytes: count, first: count, records: count, chain: hash }),
  size: count,
  epoch: count,
  own: z.string().nullable(),
  secrets: z.object({ key: count, hash: z.hex().length(2 * hashBytes) }).nullable(),
  subtrees: z.array(hash),
  tiles: z.array(z.object({ index: count, hashes })),
  sessions: z.array(z.object({ session: z.string(), records: count, previous: hash, unanswered: count.nullable() })),
});

function fileOf(data: string): string {
  return join(data, 'recovery');
}

/**
 * Null when there is none that is whole. What it says is to be held against the journal: it is a cache, which anybody who can write the directory can
 * write; what they could gain by that `countersign verify` finds.
 */
export async function readSnapshot(data: string): Promise<RecoverySnapshot | null> {
  try {
    const [digest, text = ''] = (await readFile(fileOf(data), 'utf8')).split('\n');
    return digest === digestOf(text) ? schema.parse(JSON.parse(text)) : null;
  } catch {
    return null;
  }
}

/**
 * To call once the tiles over these records are on stable storage: the next start does not make them again. Where it cannot be written (a full disk), the next start
 * reads more of the journal, and that is all.
 */
export async function writeSnapshot(data: string, snapshot: RecoverySnapshot): Promise<void> {
  const { segment, subtrees, tiles, sessions, ...rest } = snapshot;
  const text = JSON.stringify({
    ...rest,
    segment: { ...segment, chain: encodeHex(segment.chain) },
    subtrees: subtrees.map(encodeHex),
    tiles: tiles.map(({ index, hashes: edge }) => ({ index, hashes: encodeHex(edge) })),
    sessions: sessions.map((session) => ({ ...session, previous: encodeHex(session.previous) })),
  });
  await replaceWholeFile(fileOf(data), `${digestOf(text)}\n${text}\n`, false).catch(() => undefined);
}

/** Against damage, not against forgery. */
export function digestOf(text: string): string {
  return encodeHex(sha256(Buffer.from(text)));
}
