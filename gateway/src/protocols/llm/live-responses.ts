import type { AnswerDraft } from './answer-draft.ts';
import { socketError } from './failures.ts';
import { type JsonObject, memberOf, objectAt, objectsAt, textAt } from './json.ts';
import type { LiveShape } from './live-shape.ts';
import { openaiResponses } from './openai-responses.ts';
import { refuseLookalikes } from './lookalikes.ts';

/** https://developers.openai.com/api/docs/guides/websocket-mode: requests and events are those of HTTP; several conversations may share a connection. */
export const liveResponses: LiveShape = {
  actionOf(message) {
    // What is inside would be the request of whoever reads it so.
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
  refusal: (problem, asked) => ({ ...socketError(problem, {}), ...laneMember(asked) }),
};

/** Output that had no events of its own is read from the end of the answer. */
export function readEvent(event: JsonObject, response: JsonObject, draft: AnswerDraft): void {
  const isLate = objectsAt(response, 'output').length > 0 && draft.messages().every(({ parts }) => parts.length === 0);
  openaiResponses.read(isLate ? response : event, draft);
}

function laneMember(asked: JsonObject | null): JsonObject {
  const lane = asked === null ? undefined : textAt(asked, 'stream_id');
  return lane === undefined ? {} : { stream_id: lane };
}
