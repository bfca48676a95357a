import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';

interface MarkedTextProps {
  readonly text: string;
  /** This text and the other one; null: nothing is marked. */
  readonly pieces: Schemas['ComparedRequests']['asked'];
  readonly side: 'a' | 'b';
}

/** One of two texts, with what only it has marked. */
export function MarkedText({ text, pieces, side }: MarkedTextProps): ReactNode {
  return pieces === null ? (
    <Recorded text={text} />
  ) : (
    pieces.map(({ in: place, text: piece }, at) =>
      place === 'both' ? (
        <Recorded key={at} text={piece} />
      ) : place !== side ? null : side === 'a' ? (
        <del key={at}>
          <Recorded text={piece} />
        </del>
      ) : (
        <ins key={at}>
          <Recorded text={piece} />
        </ins>
      ),
    )
  );
}
