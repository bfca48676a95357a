import type { Act, Item } from './joined-timeline.ts';

/** Returns how many of the items of a timeline had begun when a record was the last one. */
export function begunUntil(items: readonly Item[], seq: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    [low, high] = firstOf(items[middle]) <= seq ? [middle + 1, high] : [low, middle];
  }
  return low;
}

/** Returns an item as it was when a record was the last one: the same if it was whole. */
export function itemUntil(item: Item, seq: number): Item {
  switch (item.is) {
    case 'act':
      return actUntil(item, seq);
    case 'output':
      return (item.records.at(-1)?.seq ?? 0) <= seq ? item : { ...item, records: item.records.filter((record) => record.seq <= seq) };
    case 'event':
      return item;
    default:
      return item satisfies never;
  }
}

/** Returns the number of the record with which an item begins. */
function firstOf(item: Item | undefined): number {
  return (item?.is === 'act' ? item.request : item?.is === 'output' ? item.records[0] : item?.record)?.seq ?? -1;
}

function actUntil(act: Act, seq: number): Act {
  if (lastOf(act) <= seq) {
    return act;
  }
  const answers = act.answers.filter((answer) => answer.seq <= seq);
  const { turn } = act;
  return {
    ...act,
    answers,
    others: act.others.filter((other) => other.seq <= seq),
    turn: turn && {
      ...turn,
      replied: answers.length === act.answers.length ? turn.replied : null,
      caused: new Map([...turn.caused].map(([call, acts]) => [call, acts.filter(({ request }) => request.seq <= seq).map((each) => actUntil(each, seq))])),
    },
  };
}

/** Returns the number of the last record of an act, and of those under it. */
function lastOf({ request, answers, others, turn }: Act): number {
  return Math.max(request.seq, answers.at(-1)?.seq ?? 0, others.at(-1)?.seq ?? 0, ...[...(turn?.caused.values() ?? [])].flat().map(lastOf));
}
