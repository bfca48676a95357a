import type { AnswerDraft } from './answer-draft.ts';
import { socketError } from './failures.ts';
import { type JsonObject, memberOf, objectAt, objectsAt, textAt } from './json.ts';
import type { LiveShape } from './live-shape.ts';
import { openaiResponses } from './openai-responses.ts';
import { refuseLookalikes } from './lookalikes.ts';

/** Reads Responses over WebSocket: https://developers.openai.com/api/docs/guides/websocket-mode. Requests and events are those of HTTP; several conversations may share a connection. */
export const liveResponses: LiveShape = {
  actionOf(message) {
    // A target might take a `response` inside the message for the request itself.
    return /^response\.(?:create|steer)$/.test(textAt(message, 'type') ?? '') && memberOf(message, 'response') === undefined ? 'llm.chat' : 'unknown';
  },
  parameters(message) {
    refuseLookalikes(message);
    return { ...openaiResponses.parameters(message), 'gen_ai.request.stream': true };
  },
  messages: (message) => openaiResponses.messages(message),
  laneOf: (event) => textAt(event, 'stream_id') ?? '',
  read(event, draft) {
    const ends = /^(?:response\.(?:completed|incomplete|failed)|error)$/.test(textAt(event, 'type') ?? '');
    readEvent(event, objectAt(event, 'response'), draft);
    return ends ? 'ends' : 'goes on';
  },
  modelOf: () => undefined,
  handlesNamed: () => [],
  handlesGiven: () => [],
  keepsNothing: false,
  keepsSettings: false,
  refusal: (problem, asked) => ({ ...socketError(problem, {}), ...laneMember(asked) }),
};

/** Reads an event of an answer. If the output had no events of its own, it is read from `response`, the whole answer in the last event. */
export function readEvent(event: JsonObject, response: JsonObject, draft: AnswerDraft): void {
  const isLate = objectsAt(response, 'output').length > 0 && draft.messages().every(({ parts }) => parts.length === 0);
  openaiResponses.read(isLate ? response : event, draft);
}

function laneMember(asked: JsonObject | null): JsonObject {
  const lane = asked === null ? undefined : textAt(asked, 'stream_id');
  return lane === undefined ? {} : { stream_id: lane };
}
