/** Returns a function that calls the one of Node, which the page lacks and never calls. */
export function promisify(call: (...words: readonly unknown[]) => void): (...words: readonly unknown[]) => Promise<void> {
  return async (...words) => Promise.resolve(call(...words));
}
