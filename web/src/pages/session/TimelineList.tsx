import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type ReactNode } from 'react';
import { ActView } from './ActView.tsx';
import { EventView } from './EventView.tsx';
import type { Item } from './joined-timeline.ts';
import type { Moment } from './moments.ts';
import { OutputView } from './OutputView.tsx';

const heightGuess = 64;
/** A place that one goes to is scrolled below the bar of the page. */
const barHeight = 96;
/** So many frames the list may take to draw what it was scrolled to. */
const framesMax = 30;

/** The items of a session. Only those that are seen are in the page, so that a session of any length scrolls. */
export function TimelineList({ items, moment }: { readonly items: readonly Item[]; readonly moment: Moment | undefined }): ReactNode {
  const list = useRef<HTMLOListElement>(null);
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => heightGuess,
    overscan: 8,
    scrollMargin: list.current?.offsetTop ?? 0,
    scrollPaddingStart: barHeight,
    getItemKey: (at) => seqOf(items[at]),
  });
  const { seq, place } = moment ?? {};
  useEffect(() => {
    if (seq !== undefined && place !== undefined) {
      rows.scrollToIndex(place, { align: 'start' });
      return focusDrawn(String(seq));
    }
    return undefined;
    // The list is scrolled when the place in the address changes, and not with each drawing.
  }, [seq, place]);
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

/** Focuses an element as soon as it is drawn, so that keys and screen readers go on from it. Returns what ends the wait. */
function focusDrawn(id: string): () => void {
  let frames = 0;
  let frame = 0;
  const look = (): void => {
    const element = document.getElementById(id);
    element?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: 'nearest' });
    frames += 1;
    if (element === null && frames < framesMax) {
      frame = requestAnimationFrame(look);
    }
  };
  frame = requestAnimationFrame(look);
  return () => cancelAnimationFrame(frame);
}

function ItemView({ item }: { readonly item: Item | undefined }): ReactNode {
  switch (item?.is) {
    case undefined:
      return null;
    case 'act':
      return <ActView act={item} />;
    case 'output':
      return <OutputView output={item} />;
    case 'event':
      return <EventView record={item.record} />;
    default:
      return item satisfies never;
  }
}

function seqOf(item: Item | undefined): number {
  return (item?.is === 'act' ? item.request : item?.is === 'output' ? item.records[0] : item?.record)?.seq ?? -1;
}
