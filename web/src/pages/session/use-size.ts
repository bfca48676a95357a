import { useEffect, useState, type RefObject } from 'react';

/** How wide an element is, in whole px. */
export function useWidth(of: RefObject<HTMLElement | null>): number {
  return useSize(of, ({ clientWidth }) => clientWidth);
}

/** How high an element is, in whole px. */
export function useHeight(of: RefObject<HTMLElement | null>): number {
  return useSize(of, ({ offsetHeight }) => offsetHeight);
}

function useSize(of: RefObject<HTMLElement | null>, read: (element: HTMLElement) => number): number {
  const [size, setSize] = useState(0);
  useEffect(() => {
    const element = of.current;
    if (element === null) {
      return undefined;
    }
    const watch = new ResizeObserver(() => setSize(read(element)));
    watch.observe(element);
    return () => watch.disconnect();
  }, [of]);
  return size;
}
