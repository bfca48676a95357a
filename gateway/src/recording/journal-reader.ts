import { readdir, type FileHandle } from 'node:fs/promises';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { MalformedError } from '@countersign/ledger';
import {
  equalBytes,
  hashBytes,
  isFrame,
  parseSegmentName,
  segmentHeaderBytes,
  segmentName,
  SegmentReader,
  type Frame,
  type SegmentSource,
} from '@countersign/ledger/format';
import { firstIndexOf, listSegments, openSegment, segmentSource } from './segment-files.ts';
import { Turn, turnBytesMax } from './turn.ts';

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

/** A place where bytes of the journal are wrong or missing. */
export interface DamagedPlace extends JournalPlace {
  readonly what: string;
}

export type JournalStep = PlacedFrame | DamagedPlace;

export function isPlacedFrame(step: JournalStep): step is PlacedFrame {
  return 'frame' in step;
}

/**
 * Yields the frames from `from` on, through all segments, to the end of what is written now, or to `to`, where a frame ends. Each frame matches its chain value.
 * Where something is damaged or missing it yields the place and continues with the next whole frame. A frame that a crash left half written is the end.
 * The journal may grow while it is read: to follow it, call again from where this ended. The work in one turn of the event loop is bounded.
 */
export async function* readJournal(data: string, from: JournalPlace, to?: JournalPlace): AsyncGenerator<JournalStep> {
  const turn = new Turn();
  for await (const run of readJournalRuns(data, from, to)) {
    for (const step of run) {
      yield step;
      await turn.spend(isPlacedFrame(step) ? step.frame.end - step.frame.offset : 0);
    }
  }
}

/**
 * Yields what `readJournal` yields, many steps at a time: a step that is yielded alone costs as much as to count its records. A run has about
 * `turnBytesMax` bytes at most. The caller divides its work among turns of the event loop.
 */
export async function* readJournalRuns(data: string, from: JournalPlace, to?: JournalPlace): AsyncGenerator<readonly JournalStep[]> {
  const link: Link = { chain: null };
  for (let { segment, offset } = from; segment <= (to?.segment ?? Infinity); segment++, offset = segmentHeaderBytes) {
    const handle = await openSegment(data, segment);
    if (handle === null && (to !== undefined || !(await isFollowed(data, segment)))) {
      return;
    }
    if (handle === null) {
      yield [{ segment, offset: 0, what: 'the segment is missing' }];
      link.chain = null;
      continue;
    }
    const chainBefore = link.chain;
    try {
      // Once the next segment exists, nothing more is written to this one. If it appeared meanwhile, the end of this one may be missing from what was read, so it is read again.
      for (let isLast = true; isLast;) {
        isLast = to === undefined && !(await isFollowed(data, segment));
        // A segment that is read again from its header is compared again with what is before it.
        link.chain = offset === segmentHeaderBytes ? chainBefore : link.chain;
        for await (const run of readSegment(handle, { segment, offset, isLast }, { link, to })) {
          const last = run.at(-1);
          link.chain = last !== undefined && isPlacedFrame(last) ? last.frame.chain : null;
          offset = run.findLast(isPlacedFrame)?.frame.end ?? offset;
          yield run;
        }
        if (isLast && !(await isFollowed(data, segment))) {
          return;
        }
      }
    } finally {
      await handle.close();
    }
  }
}

/** The chain value at the end of the bytes that were read; null if it is not known. */
interface Link {
  chain: Uint8Array | null;
}

interface SegmentPart extends JournalPlace {
  /** True if a frame that a crash left half written, or that is being written, counts as the end. */
  readonly isLast: boolean;
}

async function* readSegment(
  handle: FileHandle,
  from: SegmentPart,
  { link, to }: { readonly link: Link; readonly to: JournalPlace | undefined },
): AsyncGenerator<readonly JournalStep[]> {
  const { segment } = from;
  const look = async (): Promise<SegmentSource> => {
    const file = await segmentSource(handle);
    return to?.segment === segment ? { ...file, bytes: Math.min(file.bytes, to.offset) } : file;
  };
  const source = await look();
  if (source.bytes < segmentHeaderBytes) {
    if (!from.isLast) {
      yield [{ segment, offset: source.bytes, what: 'the segment is cut' }];
    }
    return;
  }
  let reader: SegmentReader;
  try {
    reader = await SegmentReader.open(source, from.offset);
  } catch (error) {
    if (!(error instanceof MalformedError)) {
      throw error;
    }
    // A segment that was begun just before a crash is blank.
    if (!from.isLast) {
      yield [{ segment, offset: 0, what: error.message }];
    }
    return;
  }
  if (from.offset === segmentHeaderBytes) {
    if (link.chain !== null && !equalBytes(link.chain, reader.header.chainBefore)) {
      yield [{ segment, offset: 0, what: 'the segment does not follow what is before it' }];
    }
    // A segment that a crash left without a frame ends at its header.
    link.chain = await source.read(segmentHeaderBytes - hashBytes, hashBytes);
  }
  let suspected = -1;
  let run: PlacedFrame[] = [];
  let runBytes = 0;
  for (;;) {
    const step = reader.next();
    if (step !== undefined && isFrame(step)) {
      run.push({ frame: step, place: { segment, offset: step.offset } });
      runBytes += step.end - step.offset;
      if (runBytes < turnBytesMax) {
        continue;
      }
    }
    if (run.length > 0) {
      yield run;
      run = [];
      runBytes = 0;
    }
    if (step === undefined) {
      await reader.fill();
    } else if (!isFrame(step)) {
      const end = await reader.settle(step);
      const next = end.state === 'clean' || end.state === 'zeros' ? null : await reader.frameBehind(end);
      const isDamaged = next !== null || (end.state !== 'clean' && end.state !== 'zeros' && !from.isLast);
      if (isDamaged && end.offset !== suspected) {
        // The journal may be in use, so the next frame may have been incomplete when it was read. It is read again: a frame is always written before what comes after it.
        suspected = end.offset;
        reader = await SegmentReader.open(await look(), end.offset);
        continue;
      }
      if (isDamaged) {
        yield [{ segment, offset: end.offset, what: end.what }];
      }
      if (next === null) {
        return;
      }
      reader = await SegmentReader.open(await look(), next);
    }
  }
}

/** True if a segment with a higher number exists. */
async function isFollowed(data: string, segment: number): Promise<boolean> {
  return (await readdir(join(data, 'journal')).catch(() => [])).some((name) => (parseSegmentName(name) ?? 0) > segment);
}

/** The chain value of the journal at a place where a frame or header ends. Null if the journal does not reach that far. */
export async function chainAt(data: string, { segment, offset }: JournalPlace): Promise<Buffer | null> {
  const handle = await openSegment(data, segment);
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

/** Finds the segment that holds the leaf with this index; the last segment if the leaf is not yet written. */
export async function findSegment(data: string, logIndex: number): Promise<JournalPlace> {
  let low = 1;
  let high = (await listSegments(data)).length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((await firstIndexOf(data, middle)) <= logIndex) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return { segment: low, offset: segmentHeaderBytes };
}

/** Most segments that a finder has open, and most frames that it keeps because another record of theirs may be wanted. */
const openSegmentsMax = 16;
const keptFramesMax = 8;

/** A segment that a finder has open, by its descriptor: reading it at once costs less than waiting for it. */
interface OpenSegment {
  readonly descriptor: number;
  readonly close: () => void;
}

/** Finds single frames whose places are known. It keeps segments open, for frames that are wanted one after the other. */
export class FrameFinder implements Disposable {
  readonly #data: string;
  readonly #files = new Map<number, OpenSegment>();
  readonly #kept = new Map<string, Frame>();

  constructor(data: string) {
    this.#data = data;
  }

  /** Resolves with the frame from a place to `end`; null if there is none, or it does not have its chain value. */
  async find(place: JournalPlace, end: number): Promise<Frame | null> {
    const key = `${place.segment}/${place.offset}/${end}`;
    const found = this.#kept.get(key) ?? (await this.#read(place, end));
    this.#kept.delete(key);
    if (found !== null) {
      this.#kept.set(key, found);
    }
    const [oldest = key] = this.#kept.keys();
    if (this.#kept.size > keptFramesMax) {
      this.#kept.delete(oldest);
    }
    return found;
  }

  async #read({ segment, offset }: JournalPlace, end: number): Promise<Frame | null> {
    try {
      const file = (await this.#open(segment)).descriptor;
      const read = (at: number, bytes: number): Uint8Array => {
        const buffer = new Uint8Array(bytes);
        return buffer.subarray(0, readSync(file, buffer, 0, bytes, at));
      };
      const reader = await SegmentReader.open({ bytes: end, read: (at, bytes) => Promise.resolve(read(at, bytes)) }, offset);
      let next = reader.next();
      while (next === undefined) {
        await reader.fill();
        next = reader.next();
      }
      return isFrame(next) ? next : null;
    } catch (error) {
      if (error instanceof MalformedError) {
        return null;
      }
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const { close } of this.#files.values()) {
      close();
    }
    this.#files.clear();
  }

  async #open(segment: number): Promise<OpenSegment> {
    const known = this.#files.get(segment);
    if (known !== undefined) {
      return known;
    }
    const opened = openHere(this.#data, segment) ?? (await openFetched(this.#data, segment));
    if (this.#files.size === openSegmentsMax) {
      this[Symbol.dispose]();
    }
    this.#files.get(segment)?.close();
    this.#files.set(segment, opened);
    return opened;
  }
}

function openHere(data: string, segment: number): OpenSegment | null {
  try {
    const descriptor = openSync(join(data, 'journal', segmentName(segment)), 'r');
    return {
      descriptor,
      close: () => {
        closeSync(descriptor);
      },
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return null;
    }
    throw error;
  }
}

async function openFetched(data: string, segment: number): Promise<OpenSegment> {
  const handle = await openSegment(data, segment);
  if (handle === null) {
    throw new MalformedError(`segment ${segment} is missing`);
  }
  return {
    descriptor: handle.fd,
    close: () => {
      void handle.close();
    },
  };
}
