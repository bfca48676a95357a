import type { ReactNode } from 'react';
import { Visible } from '../../parts/Recorded.tsx';
import { statementTokens } from './statement-tokens.ts';

/** A statement as it was recorded, in which keywords, texts and comments differ for the eye. */
export function StatementText({ text }: { readonly text: string }): ReactNode {
  return (
    <bdi className="recorded statement">
      {statementTokens(text).map((token, at) =>
        token.is === 'plain' ? (
          <Visible key={at} text={token.text} />
        ) : (
          <span key={at} className={token.is}>
            <Visible text={token.text} />
          </span>
        ),
      )}
    </bdi>
  );
}
