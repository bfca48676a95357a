import { useLocation, useNavigate } from '@tanstack/react-router';
import { useDeferredValue, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { texts } from '../../texts.ts';
import type { Item } from './joined-timeline.ts';
import { KeysHelp } from './KeysHelp.tsx';
import { Lanes } from './Lanes.tsx';
import { findMoments, indexOf, inTime, lastUntil, momentAt, MomentList, stepFrom, type Moment } from './moments.ts';
import { PlayControls } from './PlayControls.tsx';
import { speedBeside } from './speeds.ts';
import { TimelineList } from './TimelineList.tsx';
import { useCharacterKeys, useKeys } from './use-keys.ts';
import { usePlayClock } from './use-play-clock.ts';
import { usePlaying } from './use-playing.ts';
import { useHeight } from './use-size.ts';

/** Time in which nothing happens is played as this long, in ms. */
const idleMaxMs = 2000;

interface TimelineProps {
  readonly records: readonly Schemas['ShownRecord'][];
  /** Made of these records. */
  readonly items: readonly Item[];
  /** True: more may come. */
  readonly isLive: boolean;
}

/** All that happened in a session, with what one finds one's way in it: its time, in which it can be played, keys, a search, and the place in the address. */
export function Timeline({ records, items, isLive }: TimelineProps): ReactNode {
  // The list is drawn first, and then what one finds one's way with.
  const settled = useDeferredValue(items);
  const list = useRef(new MomentList());
  const moments = useMemo(() => list.current.of(settled), [settled]);
  const ordered = useMemo(() => inTime(moments), [moments]);
  const [skipsIdle, setSkipsIdle] = useState(true);
  const [speed, setSpeed] = useState(1);
  const shown = useDeferredValue(records);
  const clock = usePlayClock(shown, skipsIdle ? idleMaxMs : Infinity);
  const { hash } = useLocation();
  const navigate = useNavigate();
  // The record at which the playing was stopped, until the address says another place.
  const [stopped, setStopped] = useState<number | null>(null);
  const begunBy = (index: number): Moment | undefined => ordered[lastUntil(ordered, shown[index]?.seq ?? -1)];
  const stopAt = (index: number): void => {
    const seq = begunBy(index)?.seq;
    if (seq !== undefined) {
      setStopped(seq);
      void navigate({ to: '.', hash: String(seq), replace: true, resetScroll: false, hashScrollIntoView: false });
    }
  };
  const playing = usePlaying({ clock, speed, isLive, onEnd: stopAt });
  const isPlaying = playing.index !== null;
  useEffect(() => {
    setStopped(null);
    const at = isPlaying ? indexOf(shown, seqIn(hash)) : -1;
    if (at !== -1) {
      playing.playFrom(at);
    }
    // A link to another moment leads there, and what is played goes on from it.
  }, [hash]);
  const until = playing.index === null ? Infinity : (shown[playing.index]?.seq ?? -1);
  const named = stopped ?? seqIn(hash);
  const read = useMemo(() => (named === -1 ? undefined : momentAt(moments, named)), [moments, named]);
  const moment = playing.index === null ? read : begunBy(playing.index);
  const index = playing.index ?? (moment === undefined ? -1 : indexOf(shown, moment.seq));
  const place = moment === undefined ? 0 : indexOf(ordered, moment.seq) + 1;
  const [words, setWords] = useState('');
  const wanted = useDeferredValue(words);
  const found = useMemo(() => findMoments(moments, wanted), [moments, wanted]);
  const search = useRef<HTMLInputElement>(null);
  const help = useRef<HTMLDialogElement>(null);
  const zoom = useRef<((factor: number) => void) | null>(null);
  const player = useRef<HTMLElement>(null);
  const stuck = useHeight(player);
  const goTo = (to: Moment | undefined): void => {
    if (to === undefined) {
      return;
    }
    if (isPlaying) {
      playing.playFrom(indexOf(shown, to.seq));
    } else {
      void navigate({ to: '.', hash: String(to.seq), replace: true, resetScroll: false, hashScrollIntoView: false });
    }
  };
  const goBy = (steps: number): void => goTo(stepFrom(moments, moment?.seq ?? null, steps));
  const goInTime = (steps: number): void => goTo(stepFrom(ordered, moment?.seq ?? null, steps));
  // Who sends the words as soon as they are written does not wait for the count.
  const findBy = (steps: 1 | -1): void => goTo(nextFound(wanted === words ? found : findMoments(moments, words), moment?.seq ?? -1, steps));
  const playOrPause = (): void => {
    if (playing.index !== null) {
      stopAt(playing.index);
      playing.stop();
    } else if (shown.length > 0) {
      const isAtEnd = moment === undefined ? isLive : moment === ordered.at(-1);
      playing.playFrom(isAtEnd && !isLive ? 0 : isAtEnd ? shown.length - 1 : Math.max(0, index));
    }
  };
  const [hasCharacters, setCharacters] = useCharacterKeys();
  useKeys(
    {
      j: () => goBy(1),
      ArrowDown: () => goBy(1),
      k: () => goBy(-1),
      ArrowUp: () => goBy(-1),
      ArrowRight: () => goInTime(1),
      ArrowLeft: () => goInTime(-1),
      g: () => goTo(moments[0]),
      G: () => goTo(moments.at(-1)),
      Home: () => goTo(moments[0]),
      End: () => goTo(moments.at(-1)),
      n: () => findBy(1),
      N: () => findBy(-1),
      ' ': playOrPause,
      '<': () => setSpeed(speedBeside(speed, -1)),
      '>': () => setSpeed(speedBeside(speed, 1)),
      '+': () => zoom.current?.(0.5),
      '-': () => zoom.current?.(2),
      '/': () => search.current?.focus(),
      '?': () => help.current?.showModal(),
      Enter: () => toggleFacts(moment),
    },
    hasCharacters,
  );
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
      <KeysHelp dialog={help} hasCharacters={hasCharacters} onCharacters={setCharacters} />
      <section className="player" ref={player} aria-label={texts.session.player.label}>
        <PlayControls
          isPlaying={isPlaying}
          onPlay={playOrPause}
          onWatch={isLive && !isPlaying && shown.length > 0 ? () => playing.playFrom(shown.length - 1) : null}
          speed={speed}
          onSpeed={setSpeed}
          skipsIdle={skipsIdle}
          onSkipsIdle={setSkipsIdle}
          skippedMs={clock.skippedMs}
          present={shown[index]}
          place={place}
          moments={moments.length}
          onZoom={(factor) => zoom.current?.(factor)}
        />
        <Lanes
          records={shown}
          clock={clock}
          index={index}
          playedMs={isPlaying ? playing.playedMs : null}
          place={place}
          moments={moments.length}
          zoom={zoom}
          onGo={(seq) => goTo(momentAt(moments, seq))}
          onStep={goInTime}
          onPlay={playOrPause}
          onEnter={() => document.getElementById(String(moment?.seq))?.focus()}
        />
      </section>
      <TimelineList items={items} moment={moment} until={until} stuck={stuck} />
    </>
  );
}

/** Returns the number of the record that an address names; -1 if it names none. */
function seqIn(hash: string): number {
  return /^\d+$/.test(hash) ? Number(hash) : -1;
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
