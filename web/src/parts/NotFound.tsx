import type { ReactNode } from 'react';
import { texts } from '../texts.ts';

/** There is no page at an address. */
export function NotFound(): ReactNode {
  return <p role="alert">{texts.state.lost}</p>;
}
