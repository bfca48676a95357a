import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { BundleCheck, MalformedError, type FileReport } from '@countersign/ledger';
import {
  bundleLineBytesMax,
  decodeUtf8,
  isBundlePolicy,
  noteBytesMax,
  parseBundleCheckpoint,
  parseBundleHeader,
  parseBundlePolicy,
  parseBundleRecord,
  splitLines,
  type BundleHeader,
} from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { openBundled, type BundledRecord } from './bundled-record.ts';

const chunkBytes = 256 * 1024;
const newline = 0x0a;

/** The position of a record in the file, and its state when it was verified. */
export interface LineExtent {
  readonly offset: number;
  readonly length: number;
  readonly digest: string;
}

/** A record, and where it is in the file. */
export interface BundleEntry extends BundledRecord {
  readonly at: LineExtent;
}

interface Line {
  readonly text: string;
  readonly at: LineExtent;
}

/** A bundle on disk. It is read once from its beginning to its end to verify it, and then record by record, in bounded memory whatever its length. */
export class BundleFile {
  readonly #file: FileHandle;
  readonly header: BundleHeader;
  readonly #checkpoint: string;
  readonly #recordsAt: number;
  readonly #recordsEnd: number;

  private constructor(file: FileHandle, parts: { readonly header: Line; readonly checkpoint: Line }) {
    this.#file = file;
    this.header = parseBundleHeader(parts.header.text);
    this.#checkpoint = parseBundleCheckpoint(parts.checkpoint.text);
    this.#recordsAt = parts.header.at.offset + parts.header.at.length;
    this.#recordsEnd = parts.checkpoint.at.offset;
  }

  /** Opens a bundle. The caller keeps and closes the file. Rejects with `MalformedError`. */
  static async open(file: FileHandle): Promise<BundleFile> {
    for await (const header of linesOf(file, 0, Infinity)) {
      return new BundleFile(file, { header, checkpoint: await lastLine(file) });
    }
    throw new MalformedError('empty bundle');
  }

  /**
   * Yields all records in order, each once it is verified to be in the log as it is here. Only the end shows that no record is missing. `keys` are the trusted
   * keys; without them the bundle's own key is used. Throws GatewayError `store_damaged` at the first record that does not hold, or at the end;
   * `MalformedError`. Records of policies are given to `onPolicy`, because they are none of the session.
   */
  async *verify(keys: readonly string[] | undefined, onPolicy?: (entry: BundleEntry) => void): AsyncGenerator<BundleEntry, FileReport> {
    const check = await BundleCheck.begin(this.header, this.#checkpoint, keys === undefined ? {} : { keys });
    for await (const { text, at } of linesOf(this.#file, this.#recordsAt, this.#recordsEnd)) {
      const isPolicy = isBundlePolicy(text);
      const record = isPolicy ? parseBundlePolicy(text) : parseBundleRecord(text);
      if (isPolicy) {
        check.addPolicy(record);
      } else {
        check.add(record);
      }
      if (!check.holds) {
        break;
      }
      if (isPolicy) {
        onPolicy?.({ ...openBundled(record), at });
      } else {
        yield { ...openBundled(record), at };
      }
    }
    const report = check.finish();
    const [first] = report.findings;
    if (report.verdict !== 'holds') {
      throw new GatewayError('store_damaged', `The bundle does not hold: ${first?.code}: ${first?.where}: ${first?.what}.`);
    }
    return report;
  }

  /** Reads one record again. Rejects with GatewayError `store_damaged` if it was changed since it was verified. */
  async read(at: LineExtent): Promise<BundleEntry> {
    const bytes = Buffer.alloc(at.length);
    const { bytesRead } = await this.#file.read(bytes, 0, at.length, at.offset);
    const line = bytes.subarray(0, -1);
    if (bytesRead !== at.length || digestOf(line) !== at.digest) {
      throw new GatewayError('store_damaged', 'The bundle was changed while it was served.');
    }
    return { ...openBundled(parseBundleRecord(decodeUtf8(line))), at };
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** Yields the lines that begin at `from` and end before `to`. */
async function* linesOf(file: FileHandle, from: number, to: number): AsyncGenerator<Line, void> {
  let offset = from;
  for await (const line of splitLines(chunksOf(file, from, to), bundleLineBytesMax)) {
    const length = line.length + 1;
    yield { text: decodeUtf8(line), at: { offset, length, digest: digestOf(line) } };
    offset += length;
  }
}

async function* chunksOf(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer, void> {
  const chunk = Buffer.alloc(chunkBytes);
  for (let offset = from; offset < to;) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunkBytes, to - offset), offset);
    if (bytesRead === 0) {
      return;
    }
    yield chunk.subarray(0, bytesRead);
    offset += bytesRead;
  }
}

async function lastLine(file: FileHandle): Promise<Line> {
  const { size } = await file.stat();
  // A note consists of lines of text, so in JSON it is at most twice as long.
  const length = Math.min(size, 2 * noteBytesMax + chunkBytes);
  const tail = Buffer.alloc(length);
  await file.read(tail, 0, length, size - length);
  const start = tail.lastIndexOf(newline, Math.max(0, length - 2)) + 1;
  for await (const line of linesOf(file, size - length + start, size)) {
    return line;
  }
  throw new MalformedError('bundle without a checkpoint');
}
