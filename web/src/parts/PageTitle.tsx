import type { ReactNode } from 'react';
import { texts } from '../texts.ts';
import { plainText } from './visible-text.ts';

interface PageTitleProps {
  /** Anybody may have written it. */
  readonly text: string;
  /** The title as it is on the page, if that is not its text alone. */
  readonly children?: ReactNode;
}

/** The title of a page, on it and in the browser's list of pages. */
export function PageTitle({ text, children }: PageTitleProps): ReactNode {
  return (
    <>
      <title>{`${plainText(text)} · ${texts.product}`}</title>
      <h1>{children ?? text}</h1>
    </>
  );
}
