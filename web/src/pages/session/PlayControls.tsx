import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { duration, Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { markPath } from './mark-path.ts';
import { speeds } from './speeds.ts';

interface PlayControlsProps {
  readonly isPlaying: boolean;
  readonly onPlay: () => void;
  /** Goes to what happens now. Null: the session is over. */
  readonly onWatch: (() => void) | null;
  readonly speed: number;
  readonly onSpeed: (speed: number) => void;
  readonly skipsIdle: boolean;
  readonly onSkipsIdle: (skips: boolean) => void;
  readonly skippedMs: number;
  /** The record at which one is, and its place among the moments. */
  readonly present: Schemas['ShownRecord'] | undefined;
  readonly place: number;
  readonly moments: number;
  readonly onZoom: (factor: number) => void;
}

/** How a session is played: from when, how fast, and without what. */
export function PlayControls(props: PlayControlsProps): ReactNode {
  const { isPlaying, onPlay, onWatch, speed, onSpeed, skipsIdle, onSkipsIdle, skippedMs, present, place, moments, onZoom } = props;
  const { play, pause, watch, speedLabel, skipIdle, skipped, zoomIn, zoomOut, held, denied } = texts.session.player;
  return (
    <div className="controls" data-keeps-focus>
      <button type="button" className="first" onClick={onPlay}>
        {isPlaying ? pause : play}
      </button>
      {onWatch !== null && (
        <button type="button" onClick={onWatch}>
          {watch}
        </button>
      )}
      <select aria-label={speedLabel} value={speed} onChange={({ target }) => onSpeed(Number(target.value))}>
        {speeds.map((each) => (
          <option key={each} value={each}>
            {each} ×
          </option>
        ))}
      </select>
      <label>
        <input type="checkbox" checked={skipsIdle} onChange={({ target }) => onSkipsIdle(target.checked)} /> {skipIdle}
        {skippedMs > 0 && <span className="quiet"> {skipped(duration(skippedMs))}</span>}
      </label>
      <span className="quiet">
        {present !== undefined && (
          <>
            <Time of={present.time} as="clock" /> ·{' '}
          </>
        )}
        {texts.session.lanes.place(place, moments)}
      </span>
      <span className="legend">
        <svg width="2" height="16">
          <path className="medium" d={markPath('medium', 0, 0)} />
        </svg>
        {held}
        <svg width="2" height="16">
          <path className="high" d={markPath('high', 0, 0)} />
        </svg>
        {denied}
      </span>
      <span className="zoom">
        <button type="button" aria-label={zoomOut} onClick={() => onZoom(2)}>
          −
        </button>
        <button type="button" aria-label={zoomIn} onClick={() => onZoom(0.5)}>
          +
        </button>
      </span>
    </div>
  );
}
