import { type JsonObject, memberOf, objectAt, textAt } from './json.ts';
import { jointText, media, type Part, partsOf, text } from './transcript.ts';

/** Reads a piece of content in the form of Chat Completions or of Responses (`text` or `input_text`, `image_url` or `input_image` ...). */
function contentPart(part: JsonObject): Part {
  const type = textAt(part, 'type') ?? '';
  switch (type) {
    case 'text':
    case 'input_text':
    case 'output_text':
    case 'summary_text':
    case 'reasoning_text':
      return text(textAt(part, 'text') ?? '');
    case 'refusal':
      return text(textAt(part, 'refusal') ?? '');
    case 'image_url':
      return media('image', { uri: textAt(part, 'image_url') ?? textAt(objectAt(part, 'image_url'), 'url') ?? '' });
    case 'input_image':
      return fileOr(part, 'image', textAt(part, 'image_url'));
    case 'input_audio': {
      const audio = objectAt(part, 'input_audio');
      return media('audio', { mimeType: audioType(textAt(audio, 'format')), base64: textAt(audio, 'data') });
    }
    case 'file':
      return fileOr(objectAt(part, 'file'), 'document', textAt(objectAt(part, 'file'), 'file_data'));
    case 'input_file':
      return fileOr(part, 'document', textAt(part, 'file_url') ?? textAt(part, 'file_data'));
    default:
      return { type: 'other', name: type };
  }
}

/** Reads content, which is a text or a list of pieces. */
export function contentParts(content: unknown): Part[] {
  return partsOf(content, contentPart);
}

/** A tool's result: one text if all of it is text, its parts if it holds media, otherwise the value. */
export function toolOutput(output: unknown): unknown {
  const parts = contentParts(output);
  return jointText(parts) ?? (parts.some((part) => part.type === 'blob') ? parts : (output ?? null));
}

/** The name of an error: its code if that is a text, which says more, otherwise its type, otherwise its code as a number. */
export function errorName(error: JsonObject): string | undefined {
  const code = memberOf(error, 'code');
  return typeof code === 'string' && code !== '' ? code : (textAt(error, 'type') ?? (typeof code === 'number' ? String(code) : undefined));
}

function fileOr(part: JsonObject, modality: 'image' | 'document', uri: string | undefined): Part {
  const file = textAt(part, 'file_id');
  return uri === undefined && file !== undefined ? { type: 'file', modality, mime_type: null, file_id: file } : media(modality, { uri: uri ?? '' });
}

function audioType(format: string | undefined): string | undefined {
  return format === undefined ? undefined : `audio/${format}`;
}
