import type { Difference } from '../domain/replay.ts';

/**
 * The first place in which two different texts differ. In JSON it is a member, named from `root` on (`body.messages[2].content`), with its value in both; in other text a character. `nearness` is the share of them that is the
 * same before it: 0 to 1.
 */
export function textDifference(recorded: string, asked: string, root: string): Difference {
  const nearness = alike(recorded, asked);
  try {
    return { ...firstDifference(JSON.parse(recorded), JSON.parse(asked), root), nearness };
  } catch {
    const same = sameBeginning(recorded, asked);
    return { at: `${root}, character ${same}`, recorded: recorded.slice(same), asked: asked.slice(same), nearness };
  }
}

/** The share of the longer text that both have in common from their beginning on: 0 to 1. */
export function alike(a: string, b: string): number {
  return sameBeginning(a, b) / Math.max(a.length, b.length, 1);
}

/** The share of `asked` that is also in `recorded`: 0 to 1. It counts what both begin with and what both end with. */
export function shareOf(recorded: string, asked: string): number {
  const start = sameBeginning(recorded, asked);
  const room = Math.min(recorded.length, asked.length);
  let end = 0;
  while (start + end < room && recorded.at(-1 - end) === asked.at(-1 - end)) {
    end += 1;
  }
  return (start + end) / Math.max(asked.length, 1);
}

function sameBeginning(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) {
    at += 1;
  }
  return at;
}

/** Both are canonical, and not equal. */
function firstDifference(recorded: unknown, asked: unknown, at: string): Omit<Difference, 'nearness'> {
  if (isContainer(recorded) && isContainer(asked) && Array.isArray(recorded) === Array.isArray(asked)) {
    const names = new Set([...Object.keys(recorded), ...Object.keys(asked)]);
    for (const name of names) {
      const [was, is] = [recorded[name], asked[name]];
      if (JSON.stringify(was) !== JSON.stringify(is)) {
        return firstDifference(was, is, Array.isArray(asked) ? `${at}[${name}]` : `${at}.${name}`);
      }
    }
  }
  return { at, recorded: JSON.stringify(recorded) ?? '(nothing)', asked: JSON.stringify(asked) ?? '(nothing)' };
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
