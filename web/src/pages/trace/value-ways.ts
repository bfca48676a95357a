import type { Schemas } from '../../api/schema.ts';

type Value = Schemas['TracedValue'];

/** Values of one class that came first in one place, and were carried by the same requests. */
export interface Way {
  readonly value: Value;
  readonly many: number;
  /** The end of the print, where another way is of the same class and source. */
  readonly print: string | null;
}

/** A record on a way: the one in which values came first, or a request that carried them. */
export interface Step {
  readonly place: Value['from'];
  /** Null: the values came here. */
  readonly carrier: Value['carriedBy'][number] | null;
  /** The number of its lane. */
  readonly lane: number;
}

/** The steps of a way in order, and the lanes on which they are: the targets. Null: the record is not there. */
export interface WayMap {
  readonly lanes: readonly (string | null)[];
  readonly steps: readonly Step[];
}

const printDigits = 8;

/** Groups the values that went the same way. */
export function waysOf(values: readonly Value[]): readonly Way[] {
  const groups = Map.groupBy(values, ({ class: name, source, from, carriedBy }) =>
    JSON.stringify([name, source, from.record, carriedBy.map(({ record }) => record)]),
  );
  const alike = Map.groupBy(groups.values(), ([value]) => aliasOf(value));
  return [...groups.values()].flatMap((group) => {
    const [value] = group;
    const isOneOfSeveral = (alike.get(aliasOf(value))?.length ?? 0) > 1;
    return value === undefined ? [] : [{ value, many: group.length, print: isOneOfSeveral && group.length === 1 ? value.print.slice(-printDigits) : null }];
  });
}

/** Puts the first so many requests of a way on lanes. */
export function mapOf({ value: { from, carriedBy } }: Way, limit: number): WayMap {
  const shown = carriedBy.slice(0, limit);
  const lanes = [...new Set([from, ...shown].map(({ target }) => target))];
  const steps = [{ place: from, carrier: null }, ...shown.map((carrier) => ({ place: carrier, carrier }))];
  return { lanes, steps: steps.map((step) => ({ ...step, lane: lanes.indexOf(step.place.target) })) };
}

/** Draws the line from where values came to a step, in a picture of a unit for each column and each lane. */
export function lineTo({ steps }: WayMap, column: number): string {
  const [from, to] = [(steps[0]?.lane ?? 0) + 0.5, (steps[column]?.lane ?? 0) + 0.5];
  return `M0.5 ${from}C1 ${from} ${column - 0.25} ${to} ${column + 0.5} ${to}`;
}

function aliasOf(value: Value | undefined): string {
  return JSON.stringify([value?.class, value?.source]);
}
