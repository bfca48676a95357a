import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { isObject, textAt } from './json.ts';
import type { Message, Part } from './transcript.ts';

export const modalities = ['text', 'image', 'audio', 'video', 'file', 'other'] as const;
type SentModality = (typeof modalities)[number];

/** Parts that mark a place and send nothing. */
const nothings: ReadonlySet<string> = new Set(['cachePoint']);

const onlyText: readonly SentModality[] = Object.freeze(['text'] as const);

/** Makes `countersign.modalities`: the kinds of content in messages. No attribute if there is no content. */
export function modalitiesOf(messages: readonly Message[]): Attributes {
  const found = new Set<SentModality>();
  for (const { parts } of messages) {
    for (const part of parts) {
      if (part.type === 'tool_call_response') {
        addResponse(part.response, found);
      } else if (part.type !== 'other' || !nothings.has(part.name)) {
        found.add(modalityOfPart(part));
      }
    }
  }
  return found.size === 0
    ? {}
    : { [ownAttributes.modalities]: found.size === 1 && found.has('text') ? onlyText : modalities.filter((each) => found.has(each)) };
}

function modalityOfPart(part: Part): SentModality {
  switch (part.type) {
    case 'blob':
    case 'uri':
    case 'file':
      return part.modality === 'document' ? 'file' : part.modality;
    case 'other':
      return 'other';
    case 'text':
    case 'reasoning':
    case 'tool_call':
    case 'server_tool_call':
    case 'tool_call_response':
      return 'text';
    default:
      return part satisfies never;
  }
}

/** Adds the kinds of content in the result of a tool: a text, a JSON value, or a list of parts, which may have the provider's own form. */
function addResponse(response: unknown, found: Set<SentModality>): void {
  if (!Array.isArray(response)) {
    found.add('text');
    return;
  }
  for (const each of response) {
    const type = isObject(each) ? (textAt(each, 'modality') ?? textAt(each, 'type') ?? '') : '';
    found.add(modalities.find((known) => type.includes(known)) ?? (type.includes('document') ? 'file' : 'text'));
  }
}
