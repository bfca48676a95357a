import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { texts } from '../texts.ts';

/** Leads to where the values of a record came from and went, and what it was made for. */
export function TraceLink({ record, children = texts.trace.link }: { readonly record: string; readonly children?: ReactNode }): ReactNode {
  const [log = '', index = ''] = record.split('/');
  return (
    <Link to="/trace/$log/$index" params={{ log, index }}>
      {children}
    </Link>
  );
}
