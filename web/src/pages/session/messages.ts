/** A part of a message, in the form of OpenTelemetry's GenAI conventions. https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-input-messages.json */
export type MessagePart =
  | { readonly is: 'text' | 'reasoning'; readonly text: string }
  | CallPart
  | { readonly is: 'result'; readonly id: string; readonly text: string }
  | MediaPart
  | { readonly is: 'other'; readonly type: string };

/** A tool call of a model. Ids are the model's own, and several calls may have the same one. */
export interface CallPart {
  readonly is: 'call';
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** A picture or another file in a message, by what the record says of it. Its bytes are in the request or the answer itself. */
export interface MediaPart {
  readonly is: 'media';
  /** As `image`. */
  readonly modality: string;
  /** The MIME type; empty if it is not known. */
  readonly type: string;
  /** The number of its bytes. */
  readonly size: number;
  /** The digest of its bytes, in hex. */
  readonly sha256: string;
}

export interface Message {
  readonly role: string;
  readonly parts: readonly MessagePart[];
}

/** The most characters of a line. */
const lineMax = 120;

type Members = Readonly<Record<string, unknown>>;

/** Reads the messages of an attribute such as `gen_ai.input.messages`. Clients and models write them, so anything may be in them: what has another form is left out. */
export function readMessages(attribute: unknown): readonly Message[] {
  if (typeof attribute !== 'string') {
    return [];
  }
  try {
    const read: unknown = JSON.parse(attribute);
    return (Array.isArray(read) ? read : []).filter(isMembers).map((message) => ({
      role: textOf(message['role']),
      parts: (Array.isArray(message['parts']) ? message['parts'] : []).filter(isMembers).map(partOf),
    }));
  } catch {
    return [];
  }
}

function partOf(part: Members): MessagePart {
  const type = textOf(part['type']);
  switch (type) {
    case 'text':
    case 'reasoning':
      return { is: type, text: textOf(part['content']) };
    case 'tool_call':
      return { is: 'call', id: textOf(part['id']), name: textOf(part['name']), arguments: argumentsOf(part['arguments']) };
    case 'tool_call_response':
      return { is: 'result', id: textOf(part['id']), text: textOf(part['response'] ?? part['result']) };
    case 'blob':
      return {
        is: 'media',
        modality: textOf(part['modality']),
        type: textOf(part['mime_type'] ?? undefined),
        size: Number(part['size']),
        sha256: textOf(part['sha256']),
      };
    case 'uri':
    case 'file':
      return { is: 'other', type: [part['modality'], part['uri'] ?? part['file_id']].map(textOf).join(' ') };
    default:
      return { is: 'other', type };
  }
}

/** Returns the arguments of a call: those that are short in one line. */
function argumentsOf(value: unknown): string {
  const line = typeof value === 'object' ? JSON.stringify(value) : textOf(value);
  return line.length > lineMax ? textOf(value) : line;
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value, null, 1);
}
