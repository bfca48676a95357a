import type { ShownRecord } from '@countersign/gateway/api';
import { readFollowed } from '@countersign/gateway/followed-values';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import { unknownClass } from '@countersign/gateway/seen';
import type { Entry } from './folded.ts';

/** So many places from which a request carries values are named. */
const placesMax = 3;

const noAnswers: ReadonlyMap<string, number> = new Map();

/** Adds to each request the words for the values that it carries, with the numbers of the answers in which they came. */
export async function* linked(records: AsyncIterable<Entry>): AsyncGenerator<Entry> {
  /** The number of the answer, by the name of the record in which its values came. */
  const answers = new Map<string, number>();
  for await (const record of records) {
    const [followed] = textsOf(record, ownAttributes.followed);
    const answer = record.attributes[ownAttributes.answer];
    if (followed !== undefined && typeof answer === 'number') {
      answers.set(readFollowed(followed)?.record ?? '', answer);
    }
    const carries = carriesWords(record, answers);
    yield carries === '' ? record : { ...record, carries };
  }
}

/** Says in words what a record says of values of data classes: which it carries, holds or brought, which leaked, or that nobody could look. */
export function valueWords(record: Entry): readonly string[] {
  const { kind, attributes } = record;
  const leaks = textsOf(record, ownAttributes.leak);
  if (kind !== 'request' && kind !== 'response') {
    return attributes[ownAttributes.followedIsCut] === true ? ['more values came than are followed'] : leaks.map((leak) => leak.replace(' ', ' of '));
  }
  const known = new Set([...textsOf(record, ownAttributes.masked).map((each) => each.split('=', 1)[0] ?? ''), ...textsOf(record, ownAttributes.carries)]);
  const classes = textsOf(record, ownAttributes.classes).filter((name) => !known.has(name));
  return [
    record.carries ?? carriesWords(record, noAnswers),
    mayCarry(record) ? 'may carry unknown values' : '',
    classes.length === 0 ? '' : `${kind === 'request' ? 'holds' : 'saw'} ${classes.join(', ')}`,
    attributes[ownAttributes.inspected] === false ? 'not inspected' : '',
  ].filter((words) => words !== '');
}

/** True if nobody could look for values in a request as a whole. */
export function mayCarry(record: ShownRecord): boolean {
  return textsOf(record, ownAttributes.carries).includes(unknownClass);
}

function carriesWords(record: ShownRecord, answers: ReadonlyMap<string, number>): string {
  const values = textsOf(record, ownAttributes.carried).flatMap((text) => readFollowed(text) ?? []);
  const places = new Set(values.map(({ name, source, record: from }) => `${name} of ${source} from ${answers.has(from) ? `#${answers.get(from)}` : from}`));
  return places.size === 0 ? '' : `carries ${[...places].slice(0, placesMax).join(', ')}${places.size > placesMax ? ', …' : ''}`;
}

function textsOf({ attributes }: ShownRecord, name: string): readonly string[] {
  return [attributes[name] ?? []].flat().map(String);
}
