import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { texts } from '../texts.ts';
import { Failure } from './Failure.tsx';

/** Shows an answer once it is there, and until then that it is awaited, or what went wrong. */
export function Loaded<Answer>({ of, children }: { readonly of: UseQueryResult<Answer>; readonly children: (answer: Answer) => ReactNode }): ReactNode {
  return (
    <>
      {of.error !== null && <Failure error={of.error} onAgain={() => void of.refetch()} />}
      {of.data !== undefined ? children(of.data) : of.error === null && <p role="status">{texts.state.loading}</p>}
    </>
  );
}
