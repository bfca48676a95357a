import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedError } from '@countersign/ledger';
import { decodeHex, encodeHex, formatErasure, hashBytes, parseErasureBody, sha256, type SegmentSummary } from '@countersign/ledger/format';
import { z } from 'zod';
import type { AnnouncedSecrets, OpenErasure, SessionEnd } from './journal-fold.ts';
import { replaceFile } from '../store/whole-file.ts';
import type { TileEdges } from './tile-store.ts';

/** The facts about the journal, up to the end of one of its segments, that a start needs. With them, a start reads only the segments after that one. */
export interface RecoverySnapshot {
  readonly segment: SegmentSummary;
  readonly size: number;
  readonly epoch: number;
  /** The gateway's own session in that epoch. */
  readonly own: string | null;
  readonly secrets: AnnouncedSecrets | null;
  /** Unix ms of the latest record. */
  readonly latestMs: number;
  readonly erasures: readonly OpenErasure[];
  readonly subtrees: readonly Uint8Array[];
  readonly tiles: TileEdges;
  /** The sessions without a `close`, including the gateway's own. */
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
  // A snapshot of an earlier version of this program has none of these two, and no erasures are in its journal.
  latestMs: count.default(0),
  erasures: z
    .array(z.object({ index: count, body: z.string() }))
    .default([])
    .transform((erasures) => erasures.map(readErasure)),
  subtrees: z.array(hash),
  tiles: z.array(z.object({ index: count, hashes })),
  sessions: z.array(z.object({ session: z.string(), records: count, previous: hash, unanswered: count.nullable() })),
});

function readErasure({ index, body }: { readonly index: number; readonly body: string }): OpenErasure {
  const parsed = parseErasureBody(Buffer.from(body));
  if (parsed.phase === 'complete') {
    throw new MalformedError('the snapshot has a completion in place of an intent');
  }
  return { index, intent: parsed.intent };
}

function fileOf(data: string): string {
  return join(data, 'recovery');
}

/**
 * Reads the snapshot; null if there is none that is whole. It must be checked against the journal, because it is a cache, and anybody who can write the
 * directory can change it. `countersign verify` finds what somebody could gain by that.
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
 * Writes a snapshot. To be called once the tiles over its records are on stable storage, because the next start does not make them again. If it cannot be
 * written (a full disk), the next start only has to read more of the journal.
 */
export async function writeSnapshot(data: string, snapshot: RecoverySnapshot): Promise<void> {
  const { segment, erasures, subtrees, tiles, sessions, ...rest } = snapshot;
  const text = JSON.stringify({
    ...rest,
    segment: { ...segment, chain: encodeHex(segment.chain) },
    erasures: erasures.map(({ index, intent }) => ({ index, body: formatErasure({ phase: 'intent', intent }) })),
    subtrees: subtrees.map(encodeHex),
    tiles: tiles.map(({ index, hashes: edge }) => ({ index, hashes: encodeHex(edge) })),
    sessions: sessions.map((session) => ({ ...session, previous: encodeHex(session.previous) })),
  });
  await replaceFile(fileOf(data), `${digestOf(text)}\n${text}\n`).catch(() => undefined);
}

/** A digest that detects damage. It does not protect against forgery. */
export function digestOf(text: string): string {
  return encodeHex(sha256(Buffer.from(text)));
}
