import type { ReactNode } from 'react';
import { ApiProblem } from '../api/ask.ts';
import { texts } from '../texts.ts';
import { Recorded } from './Recorded.tsx';

/** Says what went wrong, but not whether something is there that one may not see. */
export function Failure({ error, onAgain }: { readonly error: Error; readonly onAgain?: () => void }): ReactNode {
  const isLost = error instanceof ApiProblem && error.code === 'not_found';
  return (
    <div role="alert" className="failure">
      {isLost ? <p>{texts.state.lost}</p> : <Message text={error.message} />}
      {onAgain !== undefined && !isLost && (
        <button type="button" onClick={onAgain}>
          {texts.state.again}
        </button>
      )}
    </div>
  );
}

/** A message. What follows its first line points at a place in a line, and so has letters of one width. */
function Message({ text }: { readonly text: string }): ReactNode {
  const [first = '', ...rest] = text.split('\n');
  return (
    <>
      <p>{first}</p>
      {rest.length > 0 && (
        <pre>
          <Recorded text={rest.join('\n')} />
        </pre>
      )}
    </>
  );
}
