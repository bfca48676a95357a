import type { ReactNode } from 'react';
import { texts } from '../texts.ts';
import { PageTitle } from './PageTitle.tsx';

/** There is no page at an address. */
export function NotFound(): ReactNode {
  return (
    <>
      <PageTitle text={texts.state.lostTitle} />
      <p role="alert">{texts.state.lost}</p>
    </>
  );
}
