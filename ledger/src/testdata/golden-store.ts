/** The golden store: two epochs, the first of which crashed, three segments, four sessions; stopped in good order. */
import type { StoreFiles } from '../store-files.ts';
import { sha, StoreWriter, treeHash, type WrittenSession } from './store-writer.ts';

export interface GoldenStore {
  readonly writer: StoreWriter;
  /** A session of both sealed slots, closed. */
  readonly session: WrittenSession;
}

function openSession(writer: StoreWriter): WrittenSession {
  const session = writer.newSession();
  writer.record(session, 'open', { meta: { secrets: sha(session.id).toString('hex'), key: 1 } });
  return session;
}

function addExchange(writer: StoreWriter, session: WrittenSession, text: string): void {
  writer.record(session, 'request', { meta: `{"q":"${text}"}`, content: `select ${text}` });
  writer.record(session, 'decision', { meta: '{"verdict":"allow"}' });
  writer.commit();
  writer.record(session, 'response', { content: `${text}1`, continues: true });
  writer.record(session, 'response', { content: `${text}2` });
  writer.commit();
}

export function commitWithCheckpoint(writer: StoreWriter): void {
  writer.commit();
  writer.checkpoint();
}

/** The first epoch, up to its crash: two segments, one session still open, published. */
export function writeFirstEpoch(gatewayId?: string, seed?: number): GoldenStore & { readonly left: WrittenSession } {
  const writer = new StoreWriter(gatewayId, seed);
  writer.start(null);
  const session = openSession(writer);
  commitWithCheckpoint(writer);
  addExchange(writer, session, 'a');
  writer.record(writer.gateway, 'heartbeat', { meta: { sessions: 1 } });
  commitWithCheckpoint(writer);
  writer.beginSegment();
  const left = openSession(writer);
  writer.record(session, 'response', { content: 'b1' });
  writer.commit();
  writer.close(session);
  commitWithCheckpoint(writer);
  writer.publish();
  return { writer, session, left };
}

/** The whole golden store. */
export function writeGoldenStore(gatewayId?: string, seed?: number): GoldenStore {
  const { writer, session, left } = writeFirstEpoch(gatewayId, seed);
  writer.timeMs += 5_000_000;
  writer.start({
    epoch: 1,
    clean: false,
    sessionsLeftOpen: 1,
    requestsWithoutOutcome: 0,
    tornBytes: 12,
  });
  writer.close(left, 'crash');
  const last = openSession(writer);
  writer.commit();
  writer.close(last);
  writer.close(writer.gateway, 'stop');
  commitWithCheckpoint(writer);
  for (const path of writer.files.keys()) {
    if (path.startsWith('log/tile/')) {
      writer.files.delete(path);
    }
  }
  writer.publish();
  return { writer, session };
}

export interface RotatedStore {
  readonly writer: StoreWriter;
  readonly session: WrittenSession;
  /** The keys, and the sizes from which they sign. */
  readonly vkeys: readonly string[];
  readonly sizes: readonly number[];
}

/** A store whose keys were made of these seeds, one after the other. `announced` is what the log says of each new key in its place. */
export function writeRotatedStore(seeds: readonly number[], announced?: string, gatewayId?: string): RotatedStore {
  const [first = 1, ...others] = seeds;
  const writer = new StoreWriter(gatewayId, first);
  writer.start(null);
  const session = openSession(writer);
  commitWithCheckpoint(writer);
  const [vkeys, sizes] = [[writer.signer.vkey], [0]];
  for (const seed of others) {
    addExchange(writer, session, `${seed}`);
    writer.rotate(seed, announced);
    vkeys.push(writer.signer.vkey);
    sizes.push(writer.leafHashes.length);
    writer.record(writer.gateway, 'heartbeat', { meta: { sessions: 1 } });
    commitWithCheckpoint(writer);
  }
  writer.publish();
  return { writer, session, vkeys, sizes };
}

/** The lines of a bundle of a short session, with two records of policies. */
export function policyBundleLines(): { readonly lines: readonly string[]; readonly heartbeat: string } {
  const writer = new StoreWriter();
  writer.start(null);
  const [first, second] = ['a', 'b'].map((version) =>
    writer.record(writer.gateway, 'policy', { meta: { version }, content: `// ${version}\npermit (principal, action, resource);\n` }),
  );
  const heartbeat = writer.record(writer.gateway, 'heartbeat', { meta: { sessions: 1 } });
  const session = openSession(writer);
  writer.record(session, 'request', { meta: '{"verdict":"allow","policyVersion":"b"}' });
  writer.close(session);
  commitWithCheckpoint(writer);
  writer.publish();
  if (first === undefined || second === undefined) {
    throw new RangeError('no such record');
  }
  const [header = '', ...rest] = goldenBundleLines({ writer, session });
  const checkpoint = rest.pop() ?? '';
  const policies = [first, second].map((record) => bundleLine(writer, record, 'policy'));
  const lines = [header.replace('countersign/1', 'countersign/2'), ...rest, ...policies, checkpoint];
  return { lines, heartbeat: bundleLine(writer, heartbeat, 'policy') };
}

/** Files in memory as the verifier sees them. */
export function filesOf(files: ReadonlyMap<string, Uint8Array>): StoreFiles {
  return {
    list: async (directory) => {
      const names = new Set<string>();
      for (const path of files.keys()) {
        if (path.startsWith(`${directory}/`)) {
          const [name = '', ...rest] = path.slice(directory.length + 1).split('/');
          names.add(rest.length > 0 ? `${name}/` : name);
        }
      }
      return [...names];
    },
    size: async (path) => files.get(path)?.length,
    read: async (path, offset, length) => {
      const bytes = files.get(path)?.subarray(offset, offset + length);
      if (bytes?.length !== length) {
        throw new Error(`no such bytes in ${path}`);
      }
      return new Uint8Array(bytes);
    },
  };
}

function proofOf(leafHashes: readonly Buffer[], index: number): Buffer[] {
  if (leafHashes.length <= 1) {
    return [];
  }
  let k = 1;
  while (2 * k < leafHashes.length) {
    k *= 2;
  }
  const [left, right] = [leafHashes.slice(0, k), leafHashes.slice(k)];
  return index < k ? [...proofOf(left, index), treeHash(right)] : [...proofOf(right, index - k), treeHash(left)];
}

/** The line of a record. `name` is the member that has its index. */
function bundleLine(writer: StoreWriter, record: WrittenSession['records'][number], name: 'index' | 'policy' = 'index'): string {
  const body = (salt: Buffer, plaintext: Buffer | undefined) =>
    plaintext === undefined ? null : { salt: salt.toString('base64'), plain: plaintext.toString('base64') };
  const isClear = ['open', 'close', 'policy', 'heartbeat'].includes(record.kind);
  return JSON.stringify({
    [name]: record.index,
    leaf: record.leaf.toString('base64'),
    proof: proofOf(writer.leafHashes, record.index).map((hash) => hash.toString('base64')),
    meta: isClear ? { clear: record.meta?.toString() } : body(record.metaSalt, record.meta),
    content: record.content?.toString() === 'b1' ? { withheld: true } : body(record.contentSalt, record.content),
  });
}

/** The lines of the golden bundle: the whole session, one of its bodies withheld. */
export function goldenBundleLines({ writer, session }: GoldenStore): string[] {
  const records = session.records.map((record) => bundleLine(writer, record));
  const header = JSON.stringify({
    bundle: 'countersign/1',
    log: writer.origin,
    key: writer.signer.vkey,
    session: session.id.toString('hex'),
    scope: 'session',
    records: records.length,
  });
  return [header, ...records, JSON.stringify({ checkpoint: writer.note })];
}

export function bundleOf(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
}

/** The receipt of one record of the golden session. */
export function goldenReceipt({ writer, session }: GoldenStore, seq: number): string {
  const record = session.records[seq];
  if (record === undefined) {
    throw new RangeError('no such record');
  }
  const proof = proofOf(writer.leafHashes, record.index).map((hash) => `${hash.toString('base64')}\n`);
  return `c2sp.org/tlog-proof@v1\nextra ${record.leaf.toString('base64')}\nindex ${record.index}\n${proof.join('')}\n${writer.note}`;
}
