import type { ReactNode } from 'react';
import { ApiProblem } from '../api/ask.ts';
import { texts } from '../texts.ts';

/** Says what went wrong, but not whether something is there that one may not see. */
export function Failure({ error, onAgain }: { readonly error: Error; readonly onAgain?: () => void }): ReactNode {
  const isLost = error instanceof ApiProblem && error.code === 'not_found';
  return (
    <div role="alert" className="failure">
      <p>{isLost ? texts.state.lost : error.message}</p>
      {onAgain !== undefined && !isLost && (
        <button type="button" onClick={onAgain}>
          {texts.state.again}
        </button>
      )}
    </div>
  );
}
