import { useEffect, useRef, useState, type RefObject } from 'react';
import type { PlayClock } from './play-clock.ts';

/** A page that was not drawn for longer goes on as if it had been this long, in ms. */
const frameMaxMs = 250;

interface PlayingSettings {
  readonly clock: PlayClock;
  readonly speed: number;
  /** True: more comes, and at the end it is waited for. */
  readonly isLive: boolean;
  /** Called with the index of the last record, when that is all there is. */
  readonly onEnd: (index: number) => void;
}

export interface Playing {
  /** The index of the last record that has come; null: nothing is played. */
  readonly index: number | null;
  /** How far the playing is, in ms of the clock. It changes with each frame. */
  readonly playedMs: RefObject<number>;
  /** Plays on from a record. */
  readonly playFrom: (index: number) => void;
  readonly stop: () => void;
}

/** Plays records in their time. */
export function usePlaying(settings: PlayingSettings): Playing {
  const { clock } = settings;
  const [index, setIndex] = useState<number | null>(null);
  const playedMs = useRef(0);
  /** True: the end was reached, and what comes is there at once. */
  const isFollowing = useRef(false);
  const latest = useRef(settings);
  latest.current = settings;
  const isPlaying = index !== null;
  const known = useRef(clock);
  if (known.current !== clock) {
    // The time that is left out is another now; what is played is still the same record.
    playedMs.current = index === null || known.current.skippedMs === clock.skippedMs ? playedMs.current : clock.at(index);
    known.current = clock;
  }
  useEffect(() => {
    if (!isPlaying) {
      return undefined;
    }
    let before = performance.now();
    let frame = requestAnimationFrame(function play(now) {
      const { clock: present, speed, isLive, onEnd } = latest.current;
      const playedOnMs = playedMs.current + Math.min(frameMaxMs, Math.max(0, now - before)) * speed;
      playedMs.current = isFollowing.current ? present.lengthMs : Math.min(present.lengthMs, playedOnMs);
      isFollowing.current = isLive && playedMs.current >= present.lengthMs;
      before = now;
      const last = present.indexAt(playedMs.current);
      if (playedMs.current >= present.lengthMs && !isLive) {
        setIndex(null);
        onEnd(last);
        return;
      }
      setIndex(last);
      frame = requestAnimationFrame(play);
    });
    return () => cancelAnimationFrame(frame);
  }, [isPlaying]);
  return {
    index,
    playedMs,
    playFrom: (from) => {
      playedMs.current = clock.at(from);
      isFollowing.current = false;
      setIndex(from);
    },
    stop: () => setIndex(null),
  };
}
