/** The request `add-checkpoint` of c2sp.org/tlog-witness, as a log sends and a witness reads it. */
import { MalformedError } from '@countersign/ledger';
import { decodeBase64, decodeUtf8, encodeBase64, hashBytes, parseDecimal } from '@countersign/ledger/format';

/** Most bytes of a request, and of an answer. */
export const exchangeBytesMax = 64 * 1024;
const proofLinesMax = 63;
/** The media type of an answer that states a size. */
export const sizeMediaType = 'text/x.tlog.size';

export interface AddCheckpoint {
  /** The size that the witness has cosigned last, as the log believes. */
  readonly oldSize: number;
  /** The consistency proof from there to the size of the checkpoint. */
  readonly proof: readonly Uint8Array[];
  /** The checkpoint, a signed note. */
  readonly note: string;
}

export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  return `old ${oldSize}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${note}`;
}

/** Reads a request. Checks its form, and nothing that it says. Throws `MalformedError`. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  const text = decodeUtf8(body);
  const end = text.indexOf('\n\n');
  const [old = '', ...lines] = text.slice(0, Math.max(0, end)).split('\n');
  if (end < 0 || !old.startsWith('old ') || lines.length > proofLinesMax) {
    throw new MalformedError('an old size, a consistency proof of at most 63 lines, an empty line and a checkpoint are expected');
  }
  const proof = lines.map((line) => decodeBase64(line));
  if (proof.some((hash) => hash.length !== hashBytes)) {
    throw new MalformedError(`a hash of a proof is ${hashBytes} bytes`);
  }
  return { oldSize: parseDecimal(old.slice('old '.length)), proof, note: text.slice(end + 2) };
}
/** Reads the size that a witness states in its answer. Null: it states none. */
export function parseSizeAnswer(body: Uint8Array): number | null {
  try {
    return parseDecimal(decodeUtf8(body).replace(/\n$/, ''));
  } catch (error) {
    if (error instanceof MalformedError) {
      return null;
    }
    throw error;
  }
}
