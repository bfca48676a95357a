/** Writes bundles of any length piece by piece, as docs/formats describe them. Only their tree is held in memory. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { formatBundleCheckpoint, formatBundleHeader, formatBundleRecord, type BundleBody } from '../bundle.ts';
import { formatCheckpoint } from '../checkpoint.ts';
import { commitClear, commitSealed, encodeLeaf, leafFlags, leafHash, type Leaf, type LeafKind } from '../leaf.ts';
import { nodeHash } from '../tree.ts';
import { signerOf, signText } from './store-writer.ts';

const gatewayId = '00000000000000a7';
const session = 'ab'.repeat(16);
const none: BundleBody = { form: 'none' };
const zeros = new Uint8Array(32);

interface LongBundle {
  readonly vkey: string;
  readonly records: number;
}

/** A whole session of 2 ^ `height` records, which are all of its log, with this many bytes of content in each request. */
export function writeLongBundle(file: string, height: number, contentBytes: number): LongBundle {
  const records = 2 ** height;
  const signer = signerOf(`countersign/${gatewayId}`, 1);
  const content = new Uint8Array(contentBytes).fill(0x61);
  const levels: Uint8Array[][] = [[]];
  const leaves: Uint8Array[] = [];
  let previous: Uint8Array = zeros;
  for (let seq = 0; seq < records; seq++) {
    const leaf = encodeLeaf(leafAt(seq, records, content, previous));
    leaves.push(leaf);
    previous = leafHash(leaf);
    levels[0]?.push(previous);
  }
  for (let level = 1; level <= height; level++) {
    const below = levels[level - 1] ?? [];
    levels.push(Array.from({ length: below.length / 2 }, (_, i) => nodeHash(below[2 * i] ?? zeros, below[2 * i + 1] ?? zeros)));
  }
  const fd = openSync(file, 'w');
  try {
    const write = (text: string): void => {
      writeSync(fd, text);
    };
    write(formatBundleHeader({ log: signer.name, key: signer.vkey, keyring: null, session, scope: 'session', records, hasPolicies: false }));
    for (const [index, leaf] of leaves.entries()) {
      const proof = levels.slice(0, height).map((hashes, level) => hashes[(index >> level) ^ 1] ?? zeros);
      const [meta, body] = bodiesAt(index, records, content);
      write(formatBundleRecord({ index, leaf, proof, meta, content: body }));
    }
    const journal = { segment: 1, offset: 128, chain: zeros };
    const root = levels[height]?.[0] ?? zeros;
    write(formatBundleCheckpoint(signText(formatCheckpoint({ origin: signer.name, size: records, root, journal }), signer)));
  } finally {
    closeSync(fd);
  }
  return { vkey: signer.vkey, records };
}

function kindAt(seq: number, records: number): LeafKind {
  return seq === 0 ? 'open' : seq === records - 1 ? 'close' : 'request';
}

function clearAt(seq: number, records: number): string {
  return seq === 0 ? JSON.stringify({ secrets: '00'.repeat(32), key: 1 }) : JSON.stringify({ records, reason: 'client' });
}

function bodiesAt(seq: number, records: number, content: Uint8Array): [BundleBody, BundleBody] {
  return kindAt(seq, records) === 'request'
    ? [none, { form: 'opened', salt: zeros, plaintext: content }]
    : [{ form: 'clear', text: clearAt(seq, records) }, none];
}

function leafAt(seq: number, records: number, content: Uint8Array, previous: Uint8Array): Leaf {
  const kind = kindAt(seq, records);
  const isRequest = kind === 'request';
  const sealed = { slot: 'content', session: new Uint8Array(16).fill(0xab), sessionSeq: seq, salt: zeros, plaintext: content } as const;
  return {
    kind,
    flags: isRequest ? leafFlags.hasContent : leafFlags.hasMeta | leafFlags.metaClear,
    session,
    sessionSeq: seq,
    timeMs: 1_790_000_000_000 + seq,
    gatewayId,
    epoch: 1,
    logIndex: seq,
    metaClass: 0,
    metaExpiryDay: 0,
    contentClass: isRequest ? 1 : 0,
    contentExpiryDay: isRequest ? 30_000 : 0,
    previous,
    metaCommit: isRequest ? zeros : commitClear(new TextEncoder().encode(clearAt(seq, records))),
    contentCommit: isRequest ? commitSealed(sealed) : zeros,
  };
}
