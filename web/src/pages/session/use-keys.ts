import { useEffect, useRef } from 'react';

const fields = 'input, textarea, select, dialog, [contenteditable]';
/** Elements at which these keys have no use of their own. */
const moved = 'body, main, article, .event';
const shared = new Set(['ArrowDown', 'ArrowUp', 'Enter']);

/** Does something when a key is pressed by itself. Who writes in a field writes; a key that a control has itself is left to it. */
export function useKeys(acts: Readonly<Record<string, () => void>>): void {
  const latest = useRef(acts);
  latest.current = acts;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const { key, target } = event;
      const act = event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(latest.current, key) ? undefined : latest.current[key];
      if (act !== undefined && target instanceof Element && target.closest(fields) === null && (!shared.has(key) || target.matches(moved))) {
        event.preventDefault();
        act();
      }
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
}
