import { memo, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode, type RefObject } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { clockOf, Time } from '../../parts/Time.tsx';
import { plainText } from '../../parts/visible-text.ts';
import { texts } from '../../texts.ts';
import { laneNames, lanesOf, markNear, type Lane } from './lanes.ts';
import { markPath } from './mark-path.ts';
import type { PlayClock } from './play-clock.ts';
import { centred, holding, wholeWindow, zoomed, type TimeWindow } from './time-window.ts';
import { useWidth } from './use-size.ts';

/** A mark and the space after it, in px. */
const columnWidth = 3;
const laneHeight = 16;
const mapHeight = 8;
const levels = ['low', 'medium', 'high'] as const;
const isMany = 10;

export interface LanesProps {
  readonly records: readonly Schemas['ShownRecord'][];
  readonly clock: PlayClock;
  /** The index of the record at which one is; -1: at none. */
  readonly index: number;
  /** How far the playing is, in ms of the clock; null: nothing is played. */
  readonly playedMs: RefObject<number> | null;
  /** The number of the present moment, of how many there are. */
  readonly place: number;
  readonly moments: number;
  readonly zoom: RefObject<((factor: number) => void) | null>;
  /** Goes to the moment of a record. */
  readonly onGo: (seq: number) => void;
  /** Goes on by so many moments in time. */
  readonly onStep: (steps: number) => void;
  readonly onPlay: () => void;
  /** Puts the focus on the present moment in the list. */
  readonly onEnter: () => void;
}

/** Shows when each target of a session was used: each act is a mark, and the present moment a line, which is moved by the mouse and by keys. */
export function Lanes(props: LanesProps): ReactNode {
  const { records, clock, index, playedMs, zoom, onGo } = props;
  const { lengthMs } = clock;
  const [seen, setSeen] = useState<TimeWindow | null>(null);
  const view = seen ?? wholeWindow(lengthMs);
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const columns = Math.max(1, Math.floor(width / columnWidth));
  const names = useMemo(() => laneNames(records), [records]);
  const lanes = useMemo(() => lanesOf(records, { names, clock, seen: view, columns }), [records, names, clock, view.fromMs, view.toMs, columns]);
  const map = useMemo(
    () => lanesOf(records, { names, clock, seen: wholeWindow(lengthMs), columns }).flatMap(({ marks }) => marks),
    [records, names, clock, lengthMs, columns],
  );
  const nowMs = index === -1 ? null : clock.at(index);
  useEffect(() => {
    if (nowMs !== null) {
      setSeen((before) => before && holding(before, nowMs, lengthMs));
    }
  }, [nowMs, lengthMs]);
  const zoomAround = (factor: number, aroundMs: number): void => {
    const next = zoomed(view, factor, aroundMs, lengthMs);
    setSeen(next.toMs - next.fromMs >= lengthMs ? null : next);
  };
  zoom.current = (factor) => zoomAround(factor, nowMs !== null && nowMs >= view.fromMs && nowMs <= view.toMs ? nowMs : (view.fromMs + view.toMs) / 2);
  useZoomingWheel(box, (factor, place) => zoomAround(factor, view.fromMs + place * (view.toMs - view.fromMs)));
  const goToTime = (ms: number): void => {
    const record = records[Math.max(0, clock.indexAt(ms))];
    if (record !== undefined) {
      onGo(record.seq);
    }
  };
  const point = (event: PointerEvent<HTMLDivElement>, isDrag: boolean): void => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const x = event.clientX - left;
    const lane = isDrag ? undefined : lanes[Math.floor((event.clientY - top) / laneHeight)];
    const mark = lane && markNear(lane, Math.floor(x / columnWidth));
    if (mark === undefined) {
      goToTime(view.fromMs + (Math.min(width, Math.max(0, x)) / width) * (view.toMs - view.fromMs));
    } else {
      onGo(mark.seq);
    }
  };
  const shown = records[index];
  return (
    <div className="lanes">
      <ul aria-hidden="true">
        {names.map((name) => (
          <li key={String(name)} className={name === null ? 'quiet' : undefined}>
            {name === null ? texts.session.lanes.output : name === undefined ? texts.session.lanes.others : <Recorded text={name} />}
          </li>
        ))}
      </ul>
      <div
        ref={box}
        className="lanes-time"
        role="slider"
        tabIndex={0}
        data-keeps-focus
        aria-label={texts.session.lanes.label}
        aria-valuemin={1}
        aria-valuemax={Math.max(1, props.moments)}
        aria-valuenow={Math.max(1, props.place)}
        aria-valuetext={shown === undefined ? texts.session.lanes.none : saidOf(shown, props)}
        onKeyDown={(event) => press(event, props)}
        onPointerDown={(event) => {
          if (event.button === 0) {
            event.currentTarget.setPointerCapture(event.pointerId);
            point(event, false);
          }
        }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId) && event.buttons === 1) {
            point(event, true);
          }
        }}
      >
        <svg width={width} height={Math.max(1, names.length) * laneHeight}>
          {lanes.map(({ name, marks }, at) => (
            <LaneMarks key={String(name)} marks={marks} top={at * laneHeight} />
          ))}
        </svg>
        <Line clock={clock} nowMs={nowMs} playedMs={playedMs} view={view} width={width} />
      </div>
      <p aria-hidden="true">{records.length > 0 && <TimeAt records={records} clock={clock} ms={view.fromMs} />}</p>
      <div
        className="lanes-map"
        onPointerDown={(event) => {
          const { left } = event.currentTarget.getBoundingClientRect();
          const ms = ((event.clientX - left) / width) * lengthMs;
          setSeen((before) => before && centred(before, ms, lengthMs));
          goToTime(ms);
        }}
      >
        <svg width={width} height={mapHeight} aria-hidden="true">
          <LaneMarks marks={map} top={mapHeight - laneHeight} />
          {seen !== null && (
            <rect
              className="seen"
              x={(seen.fromMs / lengthMs) * width}
              width={Math.max(4, ((seen.toMs - seen.fromMs) / lengthMs) * width)}
              height={mapHeight}
            />
          )}
        </svg>
      </div>
    </div>
  );
}

/** The marks of one lane. */
const LaneMarks = memo(function LaneMarks({ marks, top }: { readonly marks: Lane['marks']; readonly top: number }): ReactNode {
  return levels.map((level) => {
    const path = marks.flatMap((mark) => (mark.level === level ? [markPath(level, mark.column * columnWidth, top)] : [])).join('');
    return path !== '' && <path key={level} className={level} d={path} />;
  });
});

/** The present moment. While something is played it moves with each frame, without a drawing of the page. */
function Line({ clock, nowMs, playedMs, view, width }: Pick<LanesProps, 'clock' | 'playedMs'> & LineProps): ReactNode {
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let frame = 0;
    const place = (): void => {
      const ms = playedMs === null ? nowMs : playedMs.current;
      if (line.current !== null) {
        line.current.style.display = ms === null || ms < view.fromMs || ms > view.toMs ? 'none' : '';
        line.current.style.transform = `translateX(${(((ms ?? 0) - view.fromMs) / (view.toMs - view.fromMs)) * width}px)`;
      }
      if (playedMs !== null) {
        frame = requestAnimationFrame(place);
      }
    };
    place();
    return () => cancelAnimationFrame(frame);
  }, [clock, nowMs, playedMs, view.fromMs, view.toMs, width]);
  return <div ref={line} className="lanes-now" />;
}

interface LineProps {
  readonly nowMs: number | null;
  readonly view: TimeWindow;
  readonly width: number;
}

function TimeAt({ records, clock, ms }: { readonly records: LanesProps['records']; readonly clock: PlayClock; readonly ms: number }): ReactNode {
  const record = records[Math.max(0, clock.indexAt(ms))];
  return record !== undefined && <Time of={record.time} as="clock" />;
}

/** Returns what a screen reader says of the present moment. */
function saidOf({ time, target, action, kind, verdict }: Schemas['ShownRecord'], { place, moments }: LanesProps): string {
  const words = [clockOf(time), target, action ?? kind, verdict].filter((word) => word !== null);
  return plainText(`${words.join(', ')}, ${texts.session.lanes.place(place, moments)}`);
}

function press(event: KeyboardEvent, { onStep, onPlay, onEnter, moments }: LanesProps): void {
  const acts: Readonly<Record<string, () => void>> = {
    ArrowRight: () => onStep(1),
    ArrowUp: () => onStep(1),
    ArrowLeft: () => onStep(-1),
    ArrowDown: () => onStep(-1),
    PageUp: () => onStep(isMany),
    PageDown: () => onStep(-isMany),
    Home: () => onStep(-moments),
    End: () => onStep(moments),
    ' ': onPlay,
    Enter: onEnter,
  };
  const act = event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(acts, event.key) ? undefined : acts[event.key];
  if (act !== undefined) {
    event.preventDefault();
    act();
  }
}

/** Zooms where the wheel is turned with Ctrl, in place of the browser, which would zoom the page. */
function useZoomingWheel(box: RefObject<HTMLElement | null>, onZoom: (factor: number, place: number) => void): void {
  const latest = useRef(onZoom);
  latest.current = onZoom;
  useEffect(() => {
    const element = box.current;
    const turn = (event: WheelEvent): void => {
      if (event.ctrlKey && element !== null) {
        event.preventDefault();
        const { left, width } = element.getBoundingClientRect();
        latest.current(2 ** (event.deltaY / 200), (event.clientX - left) / width);
      }
    };
    element?.addEventListener('wheel', turn, { passive: false });
    return () => element?.removeEventListener('wheel', turn);
  }, [box]);
}
