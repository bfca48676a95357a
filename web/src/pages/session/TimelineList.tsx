import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLocation } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, type ReactNode } from 'react';
import { ActView } from './ActView.tsx';
import { EventView } from './EventView.tsx';
import type { Act, Item } from './joined-timeline.ts';

const heightGuess = 64;

/** The items of a session. Only those that are seen are in the page, so that a session of any length scrolls. */
export function TimelineList({ items }: { readonly items: readonly Item[] }): ReactNode {
  const list = useRef<HTMLOListElement>(null);
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => heightGuess,
    overscan: 8,
    scrollMargin: list.current?.offsetTop ?? 0,
    getItemKey: (at) => seqOf(items[at]),
  });
  const { hash } = useLocation();
  const places = useMemo(() => placesOf(items), [items]);
  const place = /^\d+$/.test(hash) ? places.get(Number(hash)) : undefined;
  useEffect(() => {
    if (place !== undefined) {
      rows.scrollToIndex(place, { align: 'center' });
    }
    // The list is scrolled when the place in the address changes, and not with each drawing.
  }, [place]);
  return (
    <ol className="timeline" ref={list} style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map(({ index, key, start }) => (
        <li
          key={String(key)}
          ref={rows.measureElement}
          data-index={index}
          aria-current={index === place}
          style={{ transform: `translateY(${start - rows.options.scrollMargin}px)` }}
        >
          <ItemView item={items[index]} />
        </li>
      ))}
    </ol>
  );
}

function ItemView({ item }: { readonly item: Item | undefined }): ReactNode {
  return item === undefined ? null : item.is === 'act' ? <ActView act={item} /> : <EventView record={item.record} />;
}

function seqOf(item: Item | undefined): number {
  return item === undefined ? -1 : item.is === 'act' ? item.request.seq : item.record.seq;
}

/** Returns the place in the list of each record, by its number. */
function placesOf(items: readonly Item[]): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  const addAct = ({ request, answers, others, turn }: Act, at: number): void => {
    for (const { seq } of [request, ...answers, ...others]) {
      places.set(seq, at);
    }
    for (const act of [...(turn?.caused.values() ?? [])].flat()) {
      addAct(act, at);
    }
  };
  items.forEach((item, at) => (item.is === 'act' ? addAct(item, at) : places.set(item.record.seq, at)));
  return places;
}
