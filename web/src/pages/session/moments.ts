import type { Schemas } from '../../api/schema.ts';
import type { Act, Item } from './joined-timeline.ts';
import type { Message } from './messages.ts';

/** Something in a timeline that one may go to. */
export interface Moment {
  /** The number of the record that names it. */
  readonly seq: number;
  /** The place in the list of what it is in. */
  readonly place: number;
  /** The numbers of all records of it. */
  readonly records: readonly number[];
  /** Makes the texts that are shown of it. They are long, and seldom asked for. */
  readonly texts: () => readonly string[];
}

/** Lists the moments of a timeline, of which more and more comes. */
export class MomentList {
  #items: readonly Item[] = [];
  #moments: Moment[] = [];
  /** The index of the first moment of each item. */
  #begins: number[] = [];

  /** Returns the moments in the order in which they are shown: acts, those under tool calls too, output and events. Those before the first item that is another than the last time are the same. */
  of(items: readonly Item[]): readonly Moment[] {
    const changed = items.findIndex((item, place) => item !== this.#items[place]);
    const same = changed === -1 ? items.length : changed;
    this.#moments = this.#moments.slice(0, this.#begins[same]);
    this.#begins = this.#begins.slice(0, same);
    for (const [at, item] of items.slice(same).entries()) {
      this.#begins.push(this.#moments.length);
      this.#moments.push(...momentsOfItem(item, same + at));
    }
    this.#items = items;
    return this.#moments;
  }
}

function momentsOfItem(item: Item, place: number): readonly Moment[] {
  switch (item.is) {
    case 'act':
      return momentsOfAct(item, place);
    case 'output':
      return momentOf(item.records, place, () => item.records.map(textOf));
    case 'event':
      return momentOf([item.record], place, () => [textOf(item.record)]);
    default:
      return item satisfies never;
  }
}

/** Finds what a record is in. */
export function momentAt(moments: readonly Moment[], seq: number): Moment | undefined {
  return moments.find(({ records }) => records.includes(seq));
}

/** Returns the moments in whose texts some words are, in any case of letters. */
export function findMoments(moments: readonly Moment[], words: string): readonly Moment[] {
  const wanted = words.toLowerCase();
  return wanted === '' ? [] : moments.filter(({ texts }) => texts().some((text) => text.toLowerCase().includes(wanted)));
}

/** Returns the moment some steps after another, or before it; none after the last stays there. With no moment, it is counted from the beginning. */
export function stepFrom(moments: readonly Moment[], seq: number | null, steps: number): Moment | undefined {
  const at = moments.findIndex((moment) => moment.seq === seq);
  return moments[at === -1 ? 0 : Math.min(moments.length - 1, Math.max(0, at + steps))];
}

/** Sorts moments by when they begin: what a tool call has led to is shown under it, and other acts may have come between. */
export function inTime(moments: readonly Moment[]): readonly Moment[] {
  return moments.toSorted((a, b) => a.seq - b.seq);
}

/** Returns the index of what has a number in a list that is sorted by these; -1 if it is not there. */
export function indexOf(sorted: readonly Numbered[], seq: number): number {
  const at = lastUntil(sorted, seq);
  return sorted[at]?.seq === seq ? at : -1;
}

/** Returns the index of the last that has a number or a smaller one, in a list that is sorted by these; -1 if there is none. */
export function lastUntil(sorted: readonly Numbered[], seq: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    [low, high] = (sorted[middle]?.seq ?? 0) <= seq ? [middle + 1, high] : [low, middle];
  }
  return low - 1;
}

interface Numbered {
  readonly seq: number;
}

function momentsOfAct(act: Act, place: number): readonly Moment[] {
  const { request, answers, others, turn } = act;
  const caused = [...(turn?.caused.values() ?? [])].flat();
  return [
    ...momentOf([request, ...answers, ...others], place, () =>
      turn === null
        ? [textOf(request), answers.map(({ content }) => content?.text ?? '').join(''), ...others.map(textOf)]
        : [...turn.asked.flatMap(textsOf), ...(turn.replied ?? []).flatMap(textsOf), ...others.map(textOf)],
    ),
    ...caused.flatMap((each) => momentsOfAct(each, place)),
  ];
}

function momentOf(records: readonly Schemas['ShownRecord'][], place: number, texts: Moment['texts']): readonly Moment[] {
  const [first] = records;
  return first === undefined ? [] : [{ seq: first.seq, place, records: records.map(({ seq }) => seq), texts }];
}

function textOf({ content, action, target }: Schemas['ShownRecord']): string {
  return [target, action, content?.text].join('\n');
}

function textsOf({ parts }: Message): readonly string[] {
  return parts.map((part) => ('text' in part ? part.text : part.is === 'call' ? `${part.name} ${part.arguments}` : part.type));
}
