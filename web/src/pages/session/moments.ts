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

/** Lists the moments of a timeline in the order in which they are shown: acts, those under tool calls too, output and events. */
export function momentsOf(items: readonly Item[]): readonly Moment[] {
  return items.flatMap((item, place) => {
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
  });
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
  return parts.map((part) => (part.is === 'call' ? `${part.name} ${part.arguments}` : part.is === 'other' ? part.type : part.text));
}
