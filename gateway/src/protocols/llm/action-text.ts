import type { ActionText, TextPiece } from '../../domain/action.ts';
import { isObject, jsonText } from './json.ts';
import type { Message, Part } from './transcript.ts';

/** Most characters of one action's text that policy gets, over all pieces. `piecesMax` limits the number of pieces. */
const textCharactersMax = 8 * 1024 * 1024;
const piecesMax = 64 * 1024;

/** Collects all text that is said to a model, including the arguments of tool calls and the results of tools. `isWhole` is false if a part is not text or exceeded a limit. */
export function actionText(messages: readonly Message[]): ActionText {
  const pieces: TextPiece[] = [];
  let charactersLeft = textCharactersMax;
  let isWhole = true;
  for (const { role, parts } of messages) {
    for (const part of parts) {
      const text = textOfPart(part);
      isWhole &&= text !== null && !isNamedOnly(part) && text.length <= charactersLeft && pieces.length < piecesMax;
      if (text !== null && charactersLeft > 0 && pieces.length < piecesMax) {
        pieces.push({ role, text: text.slice(0, charactersLeft) });
        charactersLeft -= text.length;
      }
    }
  }
  return { pieces, isWhole };
}

/** The text of a part; null for a part that is not text. */
function textOfPart(part: Part): string | null {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return part.content;
    case 'tool_call':
    case 'server_tool_call':
      return `${part.name} ${typeof part.arguments === 'string' ? part.arguments : jsonText(part.arguments)}`;
    case 'tool_call_response':
      return typeof part.response === 'string' ? part.response : jsonText(part.response);
    default:
      return null;
  }
}

const namedOnly: readonly unknown[] = ['blob', 'uri', 'file', 'other'] satisfies Part['type'][];

/** True if the result of a tool holds parts of which only a name is known, such as media. */
function isNamedOnly(part: Part): boolean {
  const inner: readonly unknown[] = part.type === 'tool_call_response' && Array.isArray(part.response) ? part.response : [];
  return inner.some((each) => isObject(each) && namedOnly.includes(each['type']));
}
