import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSegmentHeader, segmentHeaderBytes, segmentName } from '@countersign/ledger/journal.ts';
import { hashBytes } from '@countersign/ledger/leaf.ts';
import { isFrame, SegmentReader, type Frame, type SegmentSource } from '@countersign/ledger/segment-reader.ts';

/** A place in the journal where a frame begins. */
export interface JournalPlace {
  readonly segment: number;
  readonly offset: number;
}

export const journalStart: JournalPlace = { segment: 1, offset: segmentHeaderBytes };

export interface PlacedFrame {
  readonly frame: Frame;
  readonly place: JournalPlace;
}

/**
 * The frames from `from` on, through all segments, to the end of what is written now (or of segment and offset `to`). Each holds its chain value.
 * The journal grows while it is read: whoever follows it asks again from where this ended.
 */
export async function* readJournal(data: string, from: JournalPlace, to?: JournalPlace): AsyncGenerator<PlacedFrame> {
  const directory = join(data, 'journal');
  const lastSegment = to?.segment ?? Number.MAX_SAFE_INTEGER;
  for (let { segment, offset } = from; segment <= lastSegment; segment++, offset = segmentHeaderBytes) {
    const handle = await open(join(directory, segmentName(segment)), 'r').catch(() => null);
    if (handle === null) {
      return;
    }
    try {
      const end = segment === to?.segment ? to.offset : Number.MAX_SAFE_INTEGER;
      yield* readSegment(handle, { segment, offset }, end);
    } finally {
      await handle.close();
    }
  }
}

async function* readSegment(handle: FileHandle, from: JournalPlace, end: number): AsyncGenerator<PlacedFrame> {
  const source = await segmentSource(handle);
  if (source.bytes < segmentHeaderBytes) {
    return;
  }
  const reader = await SegmentReader.open(source, from.offset);
  for (;;) {
    const step = reader.next();
    if (step === undefined) {
      await reader.fill();
    } else if (isFrame(step) && step.offset < end) {
      yield { frame: step, place: { segment: from.segment, offset: step.offset } };
    } else {
      return;
    }
  }
}

export async function segmentSource(handle: FileHandle): Promise<SegmentSource> {
  const { size } = await handle.stat();
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, offset);
    return bytes.subarray(0, bytesRead);
  };
  return { bytes: size, read };
}

/** The chain value of the journal at the end of a frame or header; null when it does not reach there. */
export async function chainAt(data: string, { segment, offset }: JournalPlace): Promise<Buffer | null> {
  const handle = await open(join(data, 'journal', segmentName(segment)), 'r').catch(() => null);
  if (handle === null) {
    return null;
  }
  try {
    const chain = Buffer.alloc(hashBytes);
    const { bytesRead } = await handle.read(chain, 0, hashBytes, offset - hashBytes);
    return bytesRead === hashBytes ? chain : null;
  } finally {
    await handle.close();
  }
}

/** The segment that holds the leaf with this index; the last one when it is not yet written. */
export async function findSegment(data: string, logIndex: number): Promise<JournalPlace> {
  const directory = join(data, 'journal');
  let low = 1;
  let high = (await readdir(directory)).filter((name) => name.endsWith('.segment')).length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((await firstIndexOf(join(directory, segmentName(middle)))) <= logIndex) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return { segment: low, offset: segmentHeaderBytes };
}

async function firstIndexOf(file: string): Promise<number> {
  await using handle = await open(file, 'r');
  const source = await segmentSource(handle);
  return decodeSegmentHeader(await source.read(0, segmentHeaderBytes)).firstIndex;
}
