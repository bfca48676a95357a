import type { ReactNode } from 'react';
import { texts } from '../texts.ts';
import { visiblePieces } from './visible-text.ts';
import './recorded.css';

/** A text that was recorded, so that anybody may have written it. It stays in its place, in its direction, and nothing in it is invisible. */
export function Recorded({ text }: { readonly text: string }): ReactNode {
  return (
    <bdi className="recorded">
      <Visible text={text} />
    </bdi>
  );
}

/** A part of a recorded text, in which nothing is invisible. */
export function Visible({ text }: { readonly text: string }): ReactNode {
  return visiblePieces(text).map((piece, at) =>
    'text' in piece ? (
      piece.text
    ) : (
      <mark key={at} title={texts.hiddenCharacter(piece.hidden)}>
        {piece.hidden}
      </mark>
    ),
  );
}
