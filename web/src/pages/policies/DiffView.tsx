import type { ReactNode } from 'react';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { lineDiff } from './line-diff.ts';

const marks = { both: ' ', old: '−', new: '+' } as const;

/** How a text differs from an older one. */
export function DiffView({ older, newer }: { readonly older: string; readonly newer: string }): ReactNode {
  const lines = lineDiff(older, newer);
  return lines.length === 0 ? (
    <p className="quiet">{texts.policies.same}</p>
  ) : (
    <pre className="diff" tabIndex={0} role="region" aria-label={texts.policies.difference}>
      {lines.map((line, at) =>
        line.kind === 'cut' ? (
          <div key={at} className="quiet">
            {texts.policies.cut(line.lines)}
          </div>
        ) : (
          <div key={at} className={line.kind}>
            {marks[line.kind]} {line.kind !== 'both' && <span className="heard">{texts.policies.sides[line.kind]}</span>}
            <Recorded text={line.text} />
          </div>
        ),
      )}
    </pre>
  );
}
