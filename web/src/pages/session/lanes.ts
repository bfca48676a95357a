import type { Schemas } from '../../api/schema.ts';
import { isOutput } from './joined-timeline.ts';
import type { PlayClock } from './play-clock.ts';
import type { TimeWindow } from './time-window.ts';

/** A column of a lane in which something was recorded. */
export interface Mark {
  readonly column: number;
  /** The number of the record that matters most in it: an alert or one that was denied, one that was held, the first. */
  readonly seq: number;
  readonly level: 'low' | 'medium' | 'high';
}

/** A target over the time of a session, or the output of its program. */
export interface Lane {
  /** The target; null: the output of the program. Undefined: the targets for which there is no room. */
  readonly name: string | null | undefined;
  /** In no order. */
  readonly marks: readonly Mark[];
}

const levels = ['low', 'medium', 'high'] as const;
/** Most lanes that are shown. The targets for which there is none have the last together. */
const lanesMax = 8;

/** Names the lanes of a session, each at the place where its first record comes. */
export function laneNames(records: readonly Schemas['ShownRecord'][]): readonly Lane['name'][] {
  const names = new Set<string | null>();
  for (const record of records) {
    const name = nameOf(record);
    if (name !== undefined) {
      names.add(name);
    }
  }
  return names.size <= lanesMax ? [...names] : [...[...names].slice(0, lanesMax - 1), undefined];
}

/** Finds what is to be marked in a part of the time of a session, which is divided into so many columns. */
export function lanesOf(
  records: readonly Schemas['ShownRecord'][],
  { names, clock, seen, columns }: { readonly names: readonly Lane['name'][]; readonly clock: PlayClock; readonly seen: TimeWindow; readonly columns: number },
): readonly Lane[] {
  const lanes = new Map(names.map((name) => [name, new Map<number, Mark>()]));
  const perMs = columns / (seen.toMs - seen.fromMs);
  for (let index = Math.max(0, clock.indexAt(seen.fromMs - 1)); index < records.length; index += 1) {
    const record = records[index];
    const ms = clock.at(index);
    if (record === undefined || ms > seen.toMs) {
      break;
    }
    const name = nameOf(record);
    const lane = name === undefined || ms < seen.fromMs ? undefined : (lanes.get(name) ?? lanes.get(undefined));
    if (lane !== undefined) {
      const column = Math.min(columns - 1, Math.floor((ms - seen.fromMs) * perMs));
      const mark = { column, seq: record.seq, level: levelOf(record) };
      const before = lane.get(column);
      if (before === undefined || levels.indexOf(mark.level) > levels.indexOf(before.level)) {
        lane.set(column, mark);
      }
    }
  }
  return names.map((name) => ({ name, marks: [...(lanes.get(name)?.values() ?? [])] }));
}

/** Returns the mark of a lane at a column, or right beside it; undefined if there is none. */
export function markNear({ marks }: Lane, column: number): Mark | undefined {
  return marks
    .filter((mark) => Math.abs(mark.column - column) <= 1)
    .toSorted((a, b) => levels.indexOf(b.level) - levels.indexOf(a.level) || Math.abs(a.column - column) - Math.abs(b.column - column))[0];
}

/** Returns the lane of a record; undefined if it has none. An answer is where its request is. */
function nameOf(record: Schemas['ShownRecord']): string | null | undefined {
  return isOutput(record) ? null : record.kind === 'response' || record.target === null ? undefined : record.target;
}

function levelOf({ kind, verdict }: Schemas['ShownRecord']): Mark['level'] {
  return kind === 'alert' || verdict === 'deny' ? 'high' : verdict === 'hold' ? 'medium' : 'low';
}
