/** How many times as fast as it was a session may be played. */
export const speeds: readonly number[] = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 100];

/** Returns the next faster speed, or the next slower one; the last one stays. */
export function speedBeside(speed: number, steps: 1 | -1): number {
  return speeds[speeds.indexOf(speed) + steps] ?? speed;
}
