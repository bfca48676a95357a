/** Checkpoints, c2sp.org/tlog-checkpoint, with our extension line. Normative: docs/formats/checkpoint.md. */
import { decodeBase64, encodeBase64 } from './base64.ts';
import { hashBytes } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { parseDecimal } from './text.ts';

/** A place in the journal. A checkpoint covers all bytes before `offset` in this segment, and all earlier segments. */
export interface JournalPosition {
  readonly segment: number;
  readonly offset: number;
  /** The chain value at `offset`. */
  readonly chain: Uint8Array;
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Missing in checkpoints of other logs than ours. */
  readonly journal?: JournalPosition;
}

/** A checkpoint of a log of ours. */
export type SignedCheckpoint = Checkpoint & { readonly journal: JournalPosition };

const originStart = 'countersign/';
const journalStart = 'journal ';

/** The origin (and key name) of a gateway's log. `gatewayId` is 16 hex digits. */
export function originOf(gatewayId: string): string {
  return originStart + gatewayId;
}

/** The gateway id in an origin of a gateway's log; undefined for any other origin. */
export function gatewayIdOf(origin: string): string | undefined {
  return /^countersign\/([0-9a-f]{16})$/.exec(origin)?.[1];
}

/** Formats the text that is signed. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, journal } = checkpoint;
  const head = `${origin}\n${size}\n${encodeBase64(root)}\n`;
  return journal === undefined ? head : `${head}${journalStart}${journal.segment} ${journal.offset} ${encodeBase64(journal.chain)}\n`;
}

function parseHash(text: string): Uint8Array {
  const hash = decodeBase64(text);
  if (hash.length !== hashBytes) {
    throw new MalformedError(`a hash is ${hashBytes} bytes`);
  }
  return hash;
}

function parseJournalLine(line: string): JournalPosition {
  const [segment = '', offset = '', chain = '', ...rest] = line.slice(journalStart.length).split(' ');
  if (rest.length > 0) {
    throw new MalformedError('not a journal line of a checkpoint');
  }
  return { segment: parseDecimal(segment), offset: parseDecimal(offset), chain: parseHash(chain) };
}

/** Parses the text of a note as a checkpoint. Unknown extension lines are ignored. Throws `MalformedError`. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...extensions] = text.split('\n');
  if (origin === '' || extensions.pop() !== '' || extensions.includes('')) {
    throw new MalformedError('not a checkpoint');
  }
  const journals = extensions.filter((line) => line.startsWith(journalStart)).map(parseJournalLine);
  const [journal] = journals;
  if (journals.length > 1) {
    throw new MalformedError('checkpoint with two journal lines');
  }
  const head = { origin, size: parseDecimal(size), root: parseHash(root) };
  return journal === undefined ? head : { ...head, journal };
}
