import type { Mark } from './lanes.ts';

/** How wide a mark is, in px. */
const width = 2;

/** Returns the shape of a mark in a lane of 16 px, as the path of an SVG: one that was held has a gap, and one that was denied is whole, so that they are told apart without their colours. */
export function markPath(level: Mark['level'], x: number, top: number): string {
  const bar = (from: number, height: number): string => `M${x} ${top + from}h${width}v${height}h${-width}z`;
  return level === 'low' ? bar(9, 6) : level === 'medium' ? `${bar(2, 4)}${bar(8, 7)}` : bar(1, 14);
}
