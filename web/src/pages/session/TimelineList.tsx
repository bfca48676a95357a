import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useRef, type ReactNode } from 'react';
import { ActView } from './ActView.tsx';
import { EventView } from './EventView.tsx';
import type { Item } from './joined-timeline.ts';
import type { Moment } from './moments.ts';
import { OutputView } from './OutputView.tsx';
import { begunUntil, itemUntil } from './shown-until.ts';
import { useFollowing } from './use-following.ts';

const heightGuess = 64;
/** A place that one goes to is scrolled below the bar of the page. */
const barHeight = 56;
/** A record that comes while a session is played is scrolled above the controls, which are at the bottom of a small page. */
const controlsHeight = 112;
/** So many frames the list may take to draw what it was scrolled to. */
const framesMax = 30;

interface TimelineListProps {
  readonly items: readonly Item[];
  readonly moment: Moment | undefined;
  /** The number of the last record that is shown. While it is finite, the list is played: it shows what has come last. */
  readonly until: number;
  /** How much above the list stays in its place while it scrolls, in px. */
  readonly stuck: number;
}

/** The items of a session. Only those that are seen are in the page, so that a session of any length scrolls. */
export function TimelineList({ items, moment, until, stuck }: TimelineListProps): ReactNode {
  const list = useRef<HTMLOListElement>(null);
  const isPlayed = until !== Infinity;
  const count = isPlayed ? begunUntil(items, until) : items.length;
  // Items come at the end alone, so that the place of one is its key.
  const rows = useWindowVirtualizer({
    count,
    estimateSize: () => heightGuess,
    overscan: 8,
    scrollMargin: list.current?.offsetTop ?? 0,
    scrollPaddingStart: barHeight + stuck,
    scrollPaddingEnd: controlsHeight,
  });
  const { seq, place } = moment ?? {};
  useEffect(() => {
    if (!isPlayed && seq !== undefined && place !== undefined) {
      rows.scrollToIndex(place, { align: 'start' });
      return focusDrawn(String(seq));
    }
    return undefined;
    // The list is scrolled when the place in the address changes, and not with each drawing.
  }, [seq, place]);
  const isFollowed = useFollowing(isPlayed);
  useEffect(() => {
    if (isPlayed && isFollowed.current && count > 0) {
      rows.scrollToIndex(count - 1, { align: 'end' });
    }
  }, [isPlayed, count, until, isFollowed]);
  useEffect(() => list.current?.style.setProperty('--stuck', `${barHeight + stuck}px`), [stuck]);
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
          <ItemView item={itemAt(items, index, until)} />
        </li>
      ))}
    </ol>
  );
}

/** Focuses an element as soon as it is drawn, so that keys and screen readers go on from it, unless it is a control that has led there, and leads on. Returns what ends the wait. */
function focusDrawn(id: string): () => void {
  let frames = 0;
  let frame = 0;
  const look = (): void => {
    const element = document.getElementById(id);
    if (document.activeElement?.closest('[data-keeps-focus]') == null) {
      element?.focus({ preventScroll: true });
    }
    element?.scrollIntoView({ block: 'nearest' });
    frames += 1;
    if (element === null && frames < framesMax) {
      frame = requestAnimationFrame(look);
    }
  };
  frame = requestAnimationFrame(look);
  return () => cancelAnimationFrame(frame);
}

/** Returns an item as far as it is shown. */
function itemAt(items: readonly Item[], at: number, until: number): Item | undefined {
  const item = items[at];
  return item && itemUntil(item, until);
}

/** An item. It is drawn again only when something was added to it. */
const ItemView = memo(function ItemView({ item }: { readonly item: Item | undefined }): ReactNode {
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
});
