import { useState } from 'react';
import type { Drafts } from './drafts.ts';

const key = 'countersign.policies';

interface Kept {
  readonly principal: string;
  readonly drafts: Drafts;
}

/** Returns the texts that somebody has written and not saved. The tab keeps them, so that they are there after a sign-in that was asked for; nobody else who signs in there is shown them. */
export function useDrafts(principal: string): readonly [Drafts, (change: (drafts: Drafts) => Drafts) => void] {
  const [drafts, setDrafts] = useState(() => keptBy(principal));
  const change = (make: (drafts: Drafts) => Drafts): void =>
    setDrafts((before) => {
      const after = make(before);
      sessionStorage.setItem(key, JSON.stringify({ principal, drafts: after } satisfies Kept));
      return after;
    });
  return [drafts, change];
}

function keptBy(principal: string): Drafts {
  const kept: Kept | null = JSON.parse(sessionStorage.getItem(key) ?? 'null');
  if (kept !== null && kept.principal !== principal) {
    sessionStorage.removeItem(key);
  }
  return kept?.principal === principal ? kept.drafts : {};
}
