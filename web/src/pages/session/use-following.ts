import { useEffect, useRef, type RefObject } from 'react';

/** Nearer to its end than this, in px, a page is at its end. */
const nearPx = 48;

/** Whether the end of the page is followed: from the beginning on, but not while somebody has scrolled up from there. */
export function useFollowing(isOn: boolean): RefObject<boolean> {
  const isFollowed = useRef(true);
  useEffect(() => {
    isFollowed.current = true;
    if (!isOn) {
      return undefined;
    }
    const ended = new AbortController();
    const on = { signal: ended.signal, passive: true };
    const leave = (): void => {
      isFollowed.current = false;
    };
    window.addEventListener('wheel', ({ deltaY, ctrlKey }) => deltaY < 0 && !ctrlKey && leave(), on);
    window.addEventListener('touchmove', leave, on);
    window.addEventListener('keydown', ({ key }) => key === 'PageUp' && leave(), on);
    window.addEventListener('scroll', () => (isFollowed.current ||= isAtEnd()), on);
    return () => ended.abort();
  }, [isOn]);
  return isFollowed;
}

function isAtEnd(): boolean {
  const { scrollHeight, clientHeight, scrollTop } = document.documentElement;
  return scrollHeight - clientHeight - scrollTop < nearPx;
}
