import { useLocation, useNavigate } from '@tanstack/react-router';
import { useMemo, useRef, useState, type ReactNode } from 'react';
import { texts } from '../../texts.ts';
import type { Item } from './joined-timeline.ts';
import { KeysHelp } from './KeysHelp.tsx';
import { findMoments, momentsOf, stepFrom, type Moment } from './moments.ts';
import { TimelineList } from './TimelineList.tsx';
import { useKeys } from './use-keys.ts';

/** All that happened in a session, with what one finds one's way in it: keys, a search, and the place in the address. */
export function Timeline({ items }: { readonly items: readonly Item[] }): ReactNode {
  const moments = useMemo(() => momentsOf(items), [items]);
  const byRecord = useMemo(() => new Map(moments.flatMap((moment) => moment.records.map((seq) => [seq, moment]))), [moments]);
  const { hash } = useLocation();
  const moment = /^\d+$/.test(hash) ? byRecord.get(Number(hash)) : undefined;
  const navigate = useNavigate();
  const [words, setWords] = useState('');
  const found = useMemo(() => findMoments(moments, words), [moments, words]);
  const search = useRef<HTMLInputElement>(null);
  const help = useRef<HTMLDialogElement>(null);
  const goTo = (to: Moment | undefined): void => {
    if (to !== undefined) {
      void navigate({ to: '.', hash: String(to.seq), replace: true, resetScroll: false, hashScrollIntoView: false });
    }
  };
  const goBy = (steps: number): void => goTo(stepFrom(moments, moment?.seq ?? null, steps));
  const findBy = (steps: 1 | -1): void => goTo(nextFound(found, moment?.seq ?? -1, steps));
  useKeys({
    j: () => goBy(1),
    ArrowDown: () => goBy(1),
    k: () => goBy(-1),
    ArrowUp: () => goBy(-1),
    g: () => goTo(moments[0]),
    G: () => goTo(moments.at(-1)),
    n: () => findBy(1),
    N: () => findBy(-1),
    '/': () => search.current?.focus(),
    '?': () => help.current?.showModal(),
    Enter: () => toggleFacts(moment),
  });
  return (
    <>
      <search className="find">
        <input
          ref={search}
          type="search"
          aria-label={texts.session.find}
          placeholder={texts.session.find}
          value={words}
          onChange={({ target: { value } }) => setWords(value)}
          onKeyDown={({ key, shiftKey, currentTarget }) => {
            if (key === 'Enter') {
              findBy(shiftKey ? -1 : 1);
            } else if (key === 'Escape') {
              currentTarget.blur();
            }
          }}
        />
        <span role="status">{words !== '' && texts.session.found(moment === undefined ? 0 : found.indexOf(moment) + 1, found.length)}</span>
        <button type="button" aria-label={texts.session.keysTitle} onClick={() => help.current?.showModal()}>
          ?
        </button>
      </search>
      <KeysHelp dialog={help} />
      <TimelineList items={items} moment={moment} />
    </>
  );
}

/** Returns the next of what was found, or the one before; after the last comes the first. */
function nextFound(found: readonly Moment[], seq: number, steps: 1 | -1): Moment | undefined {
  const at = steps === 1 ? found.findIndex((each) => each.seq > seq) : found.findLastIndex((each) => each.seq < seq);
  return at === -1 ? found.at(steps === 1 ? 0 : -1) : found[at];
}

function toggleFacts(moment: Moment | undefined): void {
  const facts = moment === undefined ? null : document.getElementById(String(moment.seq))?.querySelector('details.facts');
  if (facts instanceof HTMLDetailsElement) {
    facts.open = !facts.open;
  }
}
