/** Receipts: C2SP tlog-proofs (c2sp.org/tlog-proof@v1) whose extra data is the leaf. Normative: docs/formats/checkpoint.md. */
import { parseCheckpoint } from './checkpoint.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { checkAge, checkInclusion, checkStamped, compareKnown, emptyReport, type FileOptions, type FileReport } from './file-report.ts';
import { decodeLeaf, hashBytes, leafBytes, leafFlags } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { decodeUtf8, encodeUtf8, parseDecimal } from './text.ts';
import { noteBytesMax, parseNote } from './note.ts';
import { checkDecided, checkNote, trustGiven } from './store-trust.ts';
import { Findings, orMalformed } from './verdict.ts';
import { treeHeightMax } from './tree.ts';

const firstLine = 'c2sp.org/tlog-proof@v1';
export const receiptBytesMax = noteBytesMax + 64 * 1024;

/** A tlog-proof with extra data. */
export interface Receipt {
  readonly index: number;
  /** 164 bytes. The proof is about the hash of the leaf, so the leaf is authenticated, unlike extra data in general. */
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
  /** The signed note, unchanged. */
  readonly checkpoint: string;
}

export function formatReceipt(receipt: Receipt): string {
  const { index, leaf, proof, checkpoint } = receipt;
  const lines = [firstLine, `extra ${encodeBase64(leaf)}`, `index ${index}`, ...proof.map(encodeBase64)];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** True if the bytes begin as a receipt does. They are not checked. */
export function isReceipt(bytes: Uint8Array): boolean {
  return encodeUtf8(`${firstLine}\n`).every((byte, i) => byte === bytes[i]);
}

function parseLine(line: string | undefined, start: string): string {
  if (line?.startsWith(start) !== true) {
    throw new MalformedError(`receipt without the line "${start.trimEnd()}"`);
  }
  return line.slice(start.length);
}

function parseBytes(text: string, length: number): Uint8Array {
  const bytes = decodeBase64(text);
  if (bytes.length !== length) {
    throw new MalformedError(`receipt with a value that is not ${length} bytes`);
  }
  return bytes;
}

/** Parses a receipt. Checks only its form. Throws `MalformedError`. */
export function parseReceipt(bytes: Uint8Array): Receipt {
  if (bytes.length > receiptBytesMax) {
    throw new MalformedError('receipt too long');
  }
  const text = decodeUtf8(bytes);
  const split = text.indexOf('\n\n');
  const [first, extra, index, ...proof] = text.slice(0, Math.max(0, split)).split('\n');
  if (first !== firstLine || proof.length > treeHeightMax) {
    throw new MalformedError('not a receipt');
  }
  const checkpoint = text.slice(split + 2);
  parseCheckpoint(parseNote(encodeUtf8(checkpoint)).text);
  return {
    index: parseDecimal(parseLine(index, 'index ')),
    leaf: parseBytes(parseLine(extra, 'extra '), leafBytes),
    proof: proof.map((line) => parseBytes(line, hashBytes)),
    checkpoint,
  };
}

/** Verifies a receipt, which proves that one leaf is in the log. Rejects with `MalformedError` only if `options.keys` are malformed. */
export async function verifyReceipt(bytes: Uint8Array, options: FileOptions = {}): Promise<FileReport> {
  const findings = new Findings();
  const keys = await trustGiven(options.keys ?? [], undefined, findings);
  const keySource = options.keys === undefined ? 'none' : 'given';
  const receipt = orMalformed(findings, 'receipt', () => parseReceipt(bytes));
  const leaf = receipt && orMalformed(findings, 'receipt', () => decodeLeaf(receipt.leaf));
  if (receipt === undefined || leaf === undefined) {
    return { ...emptyReport(findings), form: 'receipt', keySource };
  }
  const signed = await checkNote(encodeUtf8(receipt.checkpoint), 'checkpoint', keys, findings);
  if (signed !== undefined) {
    checkDecided(keys, signed.origin, 'checkpoint', findings);
    checkInclusion({ ...receipt, decoded: leaf }, signed, findings);
  }
  const timestamp = signed && (await checkStamped(receipt.checkpoint, signed, options, findings));
  const known = signed === undefined || options.known === undefined ? undefined : await compareKnown(options.known, signed, keys, findings);
  checkAge(leaf.timeMs, options, findings);
  return {
    ...emptyReport(findings),
    form: 'receipt',
    keySource,
    ...(signed === undefined ? {} : { log: signed.origin, logSize: signed.size }),
    ...(known === undefined ? {} : { known }),
    ...(timestamp === undefined ? {} : { timestamp }),
    newestMs: leaf.timeMs,
    session: leaf.session,
    extent: 'records',
    counts: { records: 1, opened: 0, withheld: 0, factsOnly: (leaf.flags & leafFlags.factsOnly) === 0 ? 0 : 1 },
  };
}
