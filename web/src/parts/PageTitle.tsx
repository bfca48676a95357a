import type { ReactNode } from 'react';
import { texts } from '../texts.ts';

/** The title of a page, on it and in the browser's list of pages. */
export function PageTitle({ text }: { readonly text: string }): ReactNode {
  return (
    <>
      <title>{`${text} · ${texts.product}`}</title>
      <h1>{text}</h1>
    </>
  );
}
