import type { ReactNode } from 'react';

/** Stands in the place of the links to traces in the console. There are no traces in the page. */
export function TraceLink({ children = null }: { readonly record: string; readonly children?: ReactNode }): ReactNode {
  return children;
}
