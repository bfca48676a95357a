import type { ReactNode } from 'react';

const levels: Readonly<Record<string, string>> = { allow: 'low', hold: 'medium', deny: 'high' };

/** The verdict on an act; nothing where none was given. */
export function VerdictMark({ verdict }: { readonly verdict: string | null }): ReactNode {
  return verdict !== null && <span className={`mark ${levels[verdict] ?? 'medium'}`}>{verdict}</span>;
}
