import { useMemo, useRef } from 'react';

/** Makes something of lines of which more and more come, the same object each time. Each line is added once, and it is begun anew when others come in their place. */
export function useGrowing<Line, Made>(lines: readonly Line[], begin: () => Made, add: (made: Made, line: Line) => void): Made {
  const growing = useRef<{ readonly first: Line | undefined; readonly made: Made; count: number }>(null);
  return useMemo(() => {
    if (growing.current === null || growing.current.first !== lines[0]) {
      growing.current = { first: lines[0], made: begin(), count: 0 };
    }
    const { current } = growing;
    // A drawing that is given up may have added more than these.
    for (; current.count < lines.length; current.count += 1) {
      const line = lines[current.count];
      if (line !== undefined) {
        add(current.made, line);
      }
    }
    return current.made;
    // The functions are others in each drawing, and do the same.
  }, [lines]);
}
