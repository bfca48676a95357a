import type { ReactNode } from 'react';
import { Recorded } from '../parts/Recorded.tsx';
import { texts } from '../texts.ts';
import type { WithheldBody } from './erased.ts';

/** Lists how many bodies are withheld, and why. */
export function WithheldList({ of, query }: { readonly of: readonly WithheldBody[]; readonly query: string }): ReactNode {
  const byReason = Map.groupBy(of, ({ erasedBy }) => erasedBy);
  return of.length === 0 ? (
    <p>{texts.evidence.withheldNone}</p>
  ) : (
    <ul>
      {[...byReason].map(([leaf, bodies]) => (
        <li key={leaf}>
          <Recorded text={leaf === null ? texts.evidence.withheldAsked(bodies.length, query) : texts.evidence.withheldErased(bodies.length, leaf)} />
        </li>
      ))}
    </ul>
  );
}
