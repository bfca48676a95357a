import { countOf } from '../../domain/count-of.ts';
import { hash } from 'node:crypto';
import { isObject, type JsonObject, jsonText, parseObject } from './json.ts';

/**
 * A message in the schema of OpenTelemetry's GenAI conventions, the same for every provider. System instructions are a message of
 * role `system`, each tool result is a message of role `tool`, and what the model said in one turn is one message.
 * https://github.com/open-telemetry/semantic-conventions-genai
 */
export interface Message {
  readonly role: string;
  readonly parts: readonly Part[];
  readonly finish_reason?: string;
}

export type Part =
  | { readonly type: 'text' | 'reasoning'; readonly content: string }
  /** `server_tool_call`: the provider runs the tool itself. */
  | { readonly type: 'tool_call' | 'server_tool_call'; readonly id: string | null; readonly name: string; readonly arguments: unknown }
  | { readonly type: 'tool_call_response'; readonly id: string | null; readonly response: unknown }
  /** Media, described by type, size in bytes and the SHA-256 of the bytes in hex. The content is never shown. */
  | { readonly type: 'blob'; readonly modality: Modality; readonly mime_type: string | null; readonly size: number; readonly sha256: string }
  | { readonly type: 'uri'; readonly modality: Modality; readonly mime_type: string | null; readonly uri: string }
  | { readonly type: 'file'; readonly modality: Modality; readonly mime_type: string | null; readonly file_id: string }
  /** Any other content, under the provider's name for it. */
  | { readonly type: 'other'; readonly name: string };

export type Modality = 'image' | 'audio' | 'video' | 'document';

export function text(content: string): Part {
  return { type: 'text', content };
}

/** Reads content, which is a text or a list of blocks. Anything else becomes a part of type `other`, so that it is not lost silently. */
export function partsOf(content: unknown, readBlock: (block: JsonObject) => Part): Part[] {
  if (typeof content === 'string') {
    return [text(content)];
  }
  const blocks: readonly unknown[] = Array.isArray(content) ? content : content === undefined || content === null ? [] : [content];
  return blocks.map((block) => (isObject(block) && blocks === content ? readBlock(block) : { type: 'other', name: 'content' }));
}

/** Makes a part from a tool call. Arguments become a JSON value; a text that is not a JSON object stays a text. */
export function toolCall(call: { readonly id: string | undefined; readonly name: string; readonly arguments: unknown }, isByServer = false): Part {
  const given = call.arguments;
  return {
    type: isByServer ? 'server_tool_call' : 'tool_call',
    id: call.id ?? null,
    name: call.name,
    arguments: typeof given === 'string' ? (given === '' ? {} : (parseObject(given) ?? given)) : (given ?? {}),
  };
}

/** Makes a part from media: a blob from base64 or from a `data:` URL with base64; any other URL is named. */
export function media(
  modality: Modality,
  source: { readonly mimeType?: string | undefined; readonly base64?: string | undefined; readonly uri?: string | undefined },
): Part {
  const mimeType = source.mimeType ?? null;
  if (source.uri === undefined) {
    return blob(modality, mimeType, source.base64 ?? '');
  }
  if (!source.uri.startsWith('data:')) {
    return { type: 'uri', modality, mime_type: mimeType, uri: source.uri };
  }
  const comma = source.uri.indexOf(',');
  const [type] = source.uri.slice('data:'.length, Math.max(comma, 0)).split(';', 1);
  return blob(modality, type === '' || type === undefined ? mimeType : type, source.uri.slice(comma + 1));
}

/** Makes a blob. Its digest is computed only when it is read, because most requests are never shown. */
function blob(modality: Modality, mimeType: string | null, base64: string): Part {
  return {
    type: 'blob',
    modality,
    mime_type: mimeType,
    size: base64Bytes(base64),
    get sha256() {
      return hash('sha256', Buffer.from(base64, 'base64'));
    },
  };
}

function isMedia(part: Part): boolean {
  return part.type === 'blob' || part.type === 'uri' || part.type === 'file' || part.type === 'other';
}

/** The joint text of parts if all of them are text. Null if any is not, or there are none. */
export function jointText(parts: readonly Part[]): string | null {
  const texts = parts.flatMap((part) => (part.type === 'text' ? [part.content] : []));
  return texts.length > 0 && texts.length === parts.length ? texts.join('\n') : null;
}

/** The modality of a MIME type; `document` for unknown types. */
export function modalityOf(mimeType: string | undefined): Modality {
  const [kind] = (mimeType ?? '').split('/', 1);
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'document';
}

/** Brings a provider's messages into the common form that `Message` describes. */
export function arrange(messages: readonly Message[]): Message[] {
  const arranged: { role: string; parts: Part[] }[] = [];
  for (const { role, parts } of messages) {
    let isFirst = true;
    for (const part of parts) {
      const last = arranged.at(-1);
      const roleOfPart = part.type === 'tool_call_response' ? 'tool' : role;
      const joins = roleOfPart === 'assistant' ? last?.role === 'assistant' : roleOfPart !== 'tool' && !isFirst && last?.role === roleOfPart;
      if (joins) {
        last?.parts.push(part);
      } else {
        arranged.push({ role: roleOfPart, parts: [part] });
      }
      isFirst = false;
    }
  }
  return arranged;
}

/** Describes messages, each with one line or more. */
export function describeMessages(messages: readonly Message[]): string {
  return messages.map((message) => describeMessage(message)).join('\n');
}

function describeMessage({ role, parts, finish_reason: reason }: Message): string {
  const lines = parts.map((part) => (part.type === 'text' || isMedia(part) ? `${role}: ${describePart(part)}` : describePart(part)));
  return [...lines, ...(reason === undefined ? [] : [`finished: ${reason}`])].join('\n');
}

/** Describes a piece of a message from a stream. A call in it may lack its name or its arguments. */
export function describeFragment({ parts, finish_reason: reason }: Message): string {
  const lines = parts.map((part) => {
    const isCall = part.type === 'tool_call' || part.type === 'server_tool_call';
    return isCall && part.name === '' ? asText(part.arguments) : isCall ? describePart(part).replace('({})', '') : describePart(part);
  });
  return [...lines, ...(reason === undefined ? [] : [`finished: ${reason}`])].join('\n');
}

export function describePart(part: Part): string {
  switch (part.type) {
    case 'text':
      return part.content;
    case 'reasoning':
      return `reasoning: ${part.content}`;
    case 'tool_call':
    case 'server_tool_call':
      return `${part.type === 'tool_call' ? 'tool call' : 'tool call by the provider'} ${part.name}(${asText(part.arguments)})${inBrackets(part.id)}`;
    case 'tool_call_response':
      return `tool result${inBrackets(part.id)}: ${asText(part.response)}`;
    case 'blob':
      return `[${part.modality}${part.mime_type === null ? '' : ` ${part.mime_type}`}, ${countOf(part.size, 'byte')}, sha256 ${part.sha256}]`;
    case 'uri':
      return `[${part.modality} ${part.uri}]`;
    case 'file':
      return `[${part.modality} ${part.file_id}]`;
    case 'other':
      return `[${part.name}]`;
    default:
      return part satisfies never;
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : jsonText(value);
}

function inBrackets(id: string | null): string {
  return id === null ? '' : ` [${id}]`;
}

function base64Bytes(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return Math.max(Math.floor((base64.length * 3) / 4) - padding, 0);
}
