import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { segmentBytesMax, segmentName } from '@countersign/ledger/format';
import type { Bucket } from '../bucket/bucket.ts';
import { tailObject } from '../bucket/object-names.ts';
import { GatewayError } from '../domain/errors.ts';
import type { JournalPlace } from '../recording/journal-reader.ts';

/** Most bytes of an object. */
const objectBytesMax = 16 * 1024 * 1024;
/** Most pieces of a segment: each has a record, of some 250 bytes at least. */
const piecesMax = 1_048_576;
/** After a failure it waits, at first so long, then twice as long each time, at most so long. */
const retryMs = 100;
const retryMsMax = 5000;

interface TailSenderParts {
  readonly data: string;
  readonly gatewayId: string;
  readonly bucket: Bucket;
  readonly signal: AbortSignal;
  /** Returns up to which segment the bucket has all whole. */
  readonly kept: () => number;
  /** Told that the bucket has everything up to a place. */
  readonly onAccepted: (place: JournalPlace) => void;
  readonly onFailure: (reason: string | null) => void;
}

/**
 * Sends the segment that is still written to, in pieces that follow one another: at most one is on its way, and the next has all that came meanwhile. A piece
 * that was perhaps sent is sent again with the very same bytes. What is complete is sent by `Archiver`, which then removes the pieces.
 */
export class TailSender {
  readonly #parts: TailSenderParts;
  /** Up to where the bucket has pieces. Null: nobody has looked yet. */
  #sent: JournalPlace | null = null;
  #wanted: JournalPlace = { segment: 0, offset: 0 };
  /** The segments before this one were complete when this gateway began, and are sent by `Archiver` alone. */
  #firstSegment = 0;
  /** True if it is not known whether the next piece was taken. */
  #isUnsure = true;
  #isRunning = false;

  constructor(parts: TailSenderParts) {
    this.#parts = parts;
  }

  /** Sends everything up to a place, which is on stable storage. */
  send(durable: JournalPlace): void {
    this.#wanted = durable;
    if (!this.#isRunning) {
      this.#isRunning = true;
      void this.#run();
    }
  }

  async #run(): Promise<void> {
    const { signal, onFailure, onAccepted } = this.#parts;
    let waitMs = retryMs;
    while (!signal.aborted && !this.#isDone()) {
      try {
        const accepted = await this.#sendNext();
        onFailure(null);
        waitMs = retryMs;
        if (accepted !== null) {
          onAccepted(accepted);
        }
      } catch (error) {
        if (!signal.aborted) {
          onFailure(error instanceof Error ? error.message : String(error));
          await delay(waitMs, null, { signal }).catch(() => undefined);
          waitMs = Math.min(waitMs * 2, retryMsMax);
        }
      }
    }
    this.#isRunning = false;
  }

  #isDone(): boolean {
    const { segment, offset } = this.#sent ?? { segment: 0, offset: 0 };
    return segment > this.#wanted.segment || (segment === this.#wanted.segment && offset >= this.#wanted.offset);
  }

  /** Sends one piece. Resolves with the place up to which the bucket now has everything; null if it lacks a segment before that. */
  async #sendNext(): Promise<JournalPlace | null> {
    const { data, gatewayId, bucket, kept, signal } = this.#parts;
    const sent = (this.#sent ??= await this.#findSent());
    const { segment, offset } = sent;
    if (kept() >= segment && segment < this.#wanted.segment) {
      this.#sent = { segment: segment + 1, offset: 0 };
      return null;
    }
    await using file = await open(join(data, 'journal', segmentName(segment)), 'r');
    const end = segment === this.#wanted.segment ? this.#wanted.offset : (await file.stat()).size;
    if (end > offset) {
      const bytes = Buffer.alloc(Math.min(end - offset, objectBytesMax));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
      if (bytesRead < bytes.length) {
        throw new GatewayError('store_damaged', `${segmentName(segment)} is shorter than what was recorded in it. Restore it from a backup.`);
      }
      const name = tailObject(gatewayId, segment, offset);
      // A piece that is there already, because its answer was lost, may have fewer bytes.
      const there = this.#isUnsure ? await bucket.find(name) : null;
      this.#isUnsure = true;
      const piece = there === null ? bytes : bytes.subarray(0, there.bytes);
      await bucket.add(name, piece, []);
      this.#isUnsure = false;
      this.#sent = { segment, offset: offset + piece.length };
    } else {
      this.#sent = { segment: segment + 1, offset: 0 };
    }
    while (!signal.aborted && kept() < this.#firstSegment - 1) {
      await delay(retryMs, null, { signal });
    }
    return this.#sent;
  }

  /** Finds the end of the pieces that the bucket has of the segment that is wanted. */
  async #findSent(): Promise<JournalPlace> {
    const { gatewayId, bucket } = this.#parts;
    const { segment } = this.#wanted;
    this.#firstSegment = segment;
    return { segment, offset: (await findPieces(bucket, gatewayId, segment)).bytes };
  }
}

/** Returns the offsets of the pieces that a bucket has of a segment, in order, and how many bytes they have together. Rejects with GatewayError `storage_unavailable`, also if they cannot be those of a segment. */
export async function findPieces(bucket: Bucket, gatewayId: string, segment: number): Promise<{ readonly offsets: readonly number[]; readonly bytes: number }> {
  const offsets: number[] = [];
  let bytes = 0;
  for (;;) {
    const found = await bucket.find(tailObject(gatewayId, segment, bytes));
    if (found === null || found.bytes === 0) {
      return { offsets, bytes };
    }
    offsets.push(bytes);
    bytes += found.bytes;
    if (bytes > segmentBytesMax || offsets.length > piecesMax) {
      throw new GatewayError('storage_unavailable', `The bucket ${bucket.name} has more pieces of segment ${segment} than a segment can have.`);
    }
  }
}

/** Removes the pieces of a segment that the bucket has whole: the last first, so that the others are found if this is ended. */
export async function removePieces(bucket: Bucket, gatewayId: string, segment: number): Promise<void> {
  const { offsets } = await findPieces(bucket, gatewayId, segment);
  for (const offset of offsets.toReversed()) {
    await bucket.remove(tailObject(gatewayId, segment, offset));
  }
}
