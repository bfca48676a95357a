/** A part of a message, in the form of OpenTelemetry's GenAI conventions. https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-input-messages.json */
export type MessagePart =
  | { readonly is: 'text' | 'reasoning'; readonly text: string }
  | CallPart
  | { readonly is: 'result'; readonly id: string; readonly text: string }
  | { readonly is: 'other'; readonly type: string };

/** A tool call of a model. Ids are the model's own, and several calls may have the same one. */
export interface CallPart {
  readonly is: 'call';
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export interface Message {
  readonly role: string;
  readonly parts: readonly MessagePart[];
}

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
      return { is: 'call', id: textOf(part['id']), name: textOf(part['name']), arguments: textOf(part['arguments']) };
    case 'tool_call_response':
      return { is: 'result', id: textOf(part['id']), text: textOf(part['response'] ?? part['result']) };
    default:
      return { is: 'other', type };
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value, null, 1);
}
