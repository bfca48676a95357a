import { align } from './align.ts';

/** A piece of two texts that are shown as one. */
export interface MarkedPiece {
  readonly in: 'both' | 'a' | 'b';
  readonly text: string;
}

/** Texts with more differences than this count as replaced from the first to the last of them, so that the cost is bounded. */
const differencesMax = 200;
const words = /[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu;

/** Divides two texts into pieces that are in both, or in one of them. Words are never divided. */
export function markDifferences(a: string, b: string): readonly MarkedPiece[] {
  const [wordsOfA, wordsOfB] = [a.match(words) ?? [], b.match(words) ?? []];
  const pieces: { in: MarkedPiece['in']; text: string }[] = [];
  for (const pair of align(wordsOfA, wordsOfB, differencesMax)) {
    const place = pair.b === null ? 'a' : pair.a === null ? 'b' : 'both';
    const text = (pair.a === null ? wordsOfB[pair.b ?? 0] : wordsOfA[pair.a]) ?? '';
    const last = pieces.at(-1);
    if (last?.in === place) {
      last.text += text;
    } else {
      pieces.push({ in: place, text });
    }
  }
  return pieces;
}
