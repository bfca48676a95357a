import { useEffect, useRef, useState } from 'react';

const fields = 'input, textarea, select, dialog, [contenteditable]';
/** Elements at which these keys have no use of their own. */
const moved = 'body, main, article, .event';
const shared = new Set(['ArrowDown', 'ArrowUp', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'Enter', ' ']);
const stored = 'countersign.letter-keys';

/** Does something when a key is pressed by itself. Who writes in a field writes; a key that a control has itself is left to it. Keys that are characters may be switched off. */
export function useKeys(acts: Readonly<Record<string, () => void>>, hasCharacters: boolean): void {
  const latest = useRef({ acts, hasCharacters });
  latest.current = { acts, hasCharacters };
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const { key, target } = event;
      const { current } = latest;
      const isLeft = event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(current.acts, key) || (!current.hasCharacters && !shared.has(key));
      const act = isLeft ? undefined : current.acts[key];
      if (act !== undefined && target instanceof Element && target.closest(fields) === null && (!shared.has(key) || target.matches(moved))) {
        event.preventDefault();
        act();
      }
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
}

/** Whether keys that are characters do something: people whose speech or hands press keys by chance switch them off, and this browser keeps that. */
export function useCharacterKeys(): readonly [boolean, (hasCharacters: boolean) => void] {
  const [has, setHas] = useState(() => localStorage.getItem(stored) !== 'off');
  return [
    has,
    (hasCharacters) => {
      localStorage.setItem(stored, hasCharacters ? 'on' : 'off');
      setHas(hasCharacters);
    },
  ];
}
