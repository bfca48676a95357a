import type { Difference } from '../domain/replay.ts';

/**
 * Finds the first difference between two different texts. In JSON it is a member, named from `root` on (`body.messages[2].content`), with its value in both; in
 * other text it is a character. `nearness` is the share of the texts that is equal before it, from 0 to 1.
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

/** Returns how much of the longer text is a common beginning of both, from 0 to 1. */
export function alike(a: string, b: string): number {
  return sameBeginning(a, b) / Math.max(a.length, b.length, 1);
}

/** Returns how much of `asked` is also in `recorded`, from 0 to 1. It counts the common beginning and the common end. */
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

/** Finds the first difference. Both values must be canonical and not equal. */
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
