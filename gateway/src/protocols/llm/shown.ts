import { countOf } from '../../domain/count-of.ts';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { AnswerError } from './answer-draft.ts';
import type { ModelAnswer } from './answer.ts';
import { jsonText } from './json.ts';
import { ownWordsOf, ownWordsOfSystem } from './own-words.ts';
import type { Message, Part } from './transcript.ts';

/** The readable form of a record. */
export interface Shown {
  readonly text: string;
  readonly attributes: Attributes;
  /** True if the text is that of several records, and stands only at the last of them. It is then shown whole, however long it is. */
  readonly isJoined?: boolean;
}

/** Most characters of an answer that are put together for people. */
export const keptCharacters = { text: 16 * 1024 * 1024, arguments: 16 * 1024 * 1024 };
/** Levels of a tool's result that are searched for texts: it is a text, or a list of blocks that hold one. */
const resultLevels = 3;

export function messagesAttribute(messages: readonly Message[]): Attributes {
  return messages.length === 0 ? {} : { 'gen_ai.output.messages': jsonText(messages), ...idsOf(messages) };
}

export function inputAttributes(messages: readonly Message[]): Attributes {
  return { 'gen_ai.input.messages': jsonText(messages), ...idsOf(messages), ...wordsOf(messages) };
}

export function shown(messages: readonly Message[], lines: readonly string[], { unread, isTextCut }: Pick<ModelAnswer, 'unread' | 'isTextCut'>): Shown {
  const cut = isTextCut ? '(there is more text than can be put together here)' : '';
  return {
    text: [...lines, describeUnread(unread), cut].filter((line) => line !== '').join('\n'),
    attributes: { ...messagesAttribute(messages), ...(unread <= 0 && !isTextCut ? {} : { [ownAttributes.isWhole]: false }) },
  };
}

/** Ids in the messages that differ in each run. A comparison of runs replaces them by the same names. */
function idsOf(messages: readonly Message[]): Attributes {
  const ids = new Set(messages.flatMap(({ parts }) => parts.flatMap((part) => ('id' in part && part.id !== null && part.id !== '' ? [part.id] : []))));
  return ids.size === 0 ? {} : { [ownAttributes.ids]: [...ids] };
}

/** Phrases in the messages that differ in each run and mean nothing. A comparison of runs leaves them out. */
function wordsOf(messages: readonly Message[]): Attributes {
  const words = new Set(messages.flatMap(({ role, parts }) => parts.flatMap((part) => ownWordsIn(role, part))));
  return words.size === 0 ? {} : { [ownAttributes.ownWords]: [...words] };
}

function ownWordsIn(role: string, part: Part): readonly string[] {
  if (part.type === 'tool_call_response') {
    return textsIn(part.response, resultLevels).flatMap(ownWordsOf);
  }
  return role === 'system' && part.type === 'text' ? ownWordsOfSystem(part.content) : [];
}

/** The texts in a JSON value, down to the given number of levels. */
function textsIn(value: unknown, levels: number): readonly string[] {
  if (typeof value === 'string') {
    return [value];
  }
  return typeof value === 'object' && value !== null && levels > 0 ? Object.values(value).flatMap((each) => textsIn(each, levels - 1)) : [];
}

export function describeError(error: AnswerError | null): string {
  return error === null ? '' : ['error', error.type, error.message].filter((word) => word !== undefined && word !== '').join(' ');
}

function describeUnread(unread: number): string {
  return unread <= 0 ? '' : `(${countOf(unread, 'event')} more that cannot be read)`;
}
