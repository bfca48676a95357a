import type { Action, AttributeValue } from '../domain/action.ts';
import type { ContextField } from '../domain/context-field.ts';
import { effectNames } from '../domain/effects.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Circumstances, SessionHistory } from './policy.ts';

/** The facts that requests of all protocols have. */
export const commonFields: readonly ContextField[] = [
  {
    name: 'effects',
    type: 'texts',
    attribute: ownAttributes.effects,
    absent: [],
    oneOf: effectNames,
    title: `What the request does: any of ${effectNames.join(', ')}. What destroys also writes.`,
  },
  {
    name: 'classes',
    type: 'texts',
    attribute: ownAttributes.classes,
    absent: [],
    title: 'The data classes of values in the request, if the target is inspected.',
  },
  {
    name: 'carries',
    type: 'texts',
    attribute: ownAttributes.carries,
    absent: [],
    title:
      'The data classes and the sources (`TARGET/SCHEMA.TABLE.COLUMN`, `TARGET:/MEMBER/*`, `TARGET`) of values in the request that the session saw before.',
  },
];

/** A fact that does not come from the request itself. */
export interface CircumstanceField {
  readonly name: string;
  readonly type: 'text' | 'number' | 'boolean' | 'address';
  readonly title: string;
  readonly of: (question: Circumstances) => string | number | boolean;
}

export const circumstances: readonly CircumstanceField[] = [
  { name: 'clientAddress', type: 'address', title: 'The IP address of the client, for isInRange, isLoopback and so on.', of: ({ asker }) => asker.address },
  { name: 'hour', type: 'number', title: 'The hour of the day in UTC, 0 to 23.', of: ({ timeMs }) => new Date(timeMs).getUTCHours() },
  { name: 'weekday', type: 'number', title: 'The day of the week in UTC, 1 (Monday) to 7.', of: ({ timeMs }) => new Date(timeMs).getUTCDay() || 7 },
  {
    name: 'attended',
    type: 'boolean',
    title: 'True if a person is at the other end, and no program that a person started.',
    of: ({ asker }) => isAttended(asker),
  },
  {
    name: 'inRun',
    type: 'boolean',
    title: 'True if the request is made in a run: then what is known of the session is over all of its targets.',
    of: ({ asker }) => asker.run !== null,
  },
];

/** A fact about what the session did before, as `context.session.NAME`. */
export interface SessionField {
  readonly name: keyof Omit<SessionHistory, 'isCut' | 'isPending' | 'followed'>;
  readonly type: 'texts' | 'number';
  readonly title: string;
}

export const sessionFields: readonly SessionField[] = [
  { name: 'targets', type: 'texts', title: 'The targets that the session has used.' },
  { name: 'tables', type: 'texts', title: 'The tables that it has used, each as TARGET/SCHEMA.TABLE.' },
  { name: 'classes', type: 'texts', title: 'The data classes of the values that it has seen, of targets that are inspected. What was masked was not seen.' },
  { name: 'requests', type: 'number', title: 'How many requests it has made.' },
  { name: 'denials', type: 'number', title: 'How many of its requests were denied.' },
  { name: 'approvals', type: 'number', title: 'How many of its requests people approved.' },
  { name: 'rows', type: 'number', title: 'How many rows it was given.' },
  { name: 'bytes', type: 'number', title: 'How many bytes it was given in answers.' },
  { name: 'tokens', type: 'number', title: 'How many tokens of models it has used.' },
];

/** Returns the value of a field for an action. What has another type than the field counts as absent. */
export function valueOf({ type, attribute, absent }: ContextField, { attributes }: Action): AttributeValue {
  const value = attributes[attribute];
  switch (type) {
    case 'texts':
    case 'namedTexts':
    case 'namedNumbers':
    case 'namedBooleans':
      return typeof value === 'string' ? [value] : Array.isArray(value) ? value : absent;
    case 'text':
      return typeof value === 'string' ? value : Array.isArray(value) ? value.join('\n') : absent;
    case 'number':
      return Number.isSafeInteger(value) ? (value ?? absent) : absent;
    default:
      return typeof value === type ? (value ?? absent) : absent;
  }
}

/** Returns the values of a field by name. A value that is not of the field's type is absent. */
export function namedValues({ type }: ContextField, value: AttributeValue): Readonly<Record<string, string | number | boolean>> {
  const texts = Array.isArray(value) ? value : [];
  const entries = texts.flatMap((text) => {
    const at = text.indexOf('=');
    const read = readValue(text.slice(at + 1));
    const isOfType = read !== null && (type === 'namedNumbers' ? Number.isSafeInteger(read) : typeof read === (type === 'namedTexts' ? 'string' : 'boolean'));
    return isOfType ? [[text.slice(0, at), read] as const] : [];
  });
  return Object.fromEntries(entries);
}

/** Reads a value of JSON. Null: it is cut off, or it is no text, number or boolean. */
function readValue(text: string): string | number | boolean | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
  } catch {
    return null;
  }
}

function isAttended({ principal, run }: Circumstances['asker']): boolean {
  return principal.kind === 'human' && run === null;
}
