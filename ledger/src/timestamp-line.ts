/** Timestamps of RFC 3161 in a signed note: each is a signature line of its own, over the text of the note. Normative: docs/formats/checkpoint.md. */
import type { Certificate } from './certificate.ts';
import { formatOtherLine, otherSignatures, type Note } from './note.ts';
import { encodeUtf8 } from './text.ts';
import { verifyTimestamp, type TimestampOutcome } from './timestamp-token.ts';

/** The type of the signature, which others ignore. */
const lineType = 'countersign/rfc3161';

/** Makes the line of a token. `name` says whose it is, for people. Throws `MalformedError` if it is no name of a key. */
export function formatTimestampLine(name: string, token: Uint8Array): string {
  return formatOtherLine(name, lineType, token);
}

/** Verifies the timestamps of a note, in their order, as `verifyTimestamp` does. */
export async function verifyTimestampLines(note: Note, trusted: readonly Certificate[] | null): Promise<readonly TimestampOutcome[]> {
  const text = encodeUtf8(note.text);
  const outcomes: TimestampOutcome[] = [];
  for (const { signature } of otherSignatures(note, lineType)) {
    outcomes.push(await verifyTimestamp(signature, text, trusted));
  }
  return outcomes;
}
