import { randomUUID } from 'node:crypto';
import { socketError } from './failures.ts';
import { type JsonObject, memberOf, objectAt, objectsAt, textAt } from './json.ts';
import { readEvent } from './live-responses.ts';
import type { LiveShape } from './live-shape.ts';
import { refuseLookalikes } from './lookalikes.ts';
import { toolsIn } from './openai-chat.ts';
import { openaiResponses } from './openai-responses.ts';
import { expectNumber, expectObject, expectObjects, expectText, presentAttributes, providerContext, toolDefinitions } from './parameters.ts';
import { arrange, media, type Message, type Part, text } from './transcript.ts';

/** Reads the Realtime API: https://platform.openai.com/docs/api-reference/realtime-client-events and its server events. */
export const liveRealtime: LiveShape = {
  actionOf: (message) => (known.has(textAt(message, 'type') ?? '') ? 'llm.talk_live' : 'unknown'),
  parameters(message) {
    const settings = [message, expectObject(message, 'session'), expectObject(message, 'response'), expectObject(message, 'item')];
    settings.forEach(refuseLookalikes);
    const [, session = {}, response = {}] = settings;
    return {
      ...presentAttributes({
        'gen_ai.request.model': expectText(session, 'model'),
        'gen_ai.request.temperature': expectNumber(response, 'temperature') ?? expectNumber(session, 'temperature'),
      }),
      ...toolDefinitions([session, response].flatMap((each) => expectObjects(each, 'tools').flatMap((tool) => toolsIn(tool)))),
      ...providerContext({ prompt: expectText(expectObject(session, 'prompt'), 'id') ?? expectText(expectObject(response, 'prompt'), 'id') }),
    };
  },
  messages(message) {
    const [session, response] = [objectAt(message, 'session'), objectAt(message, 'response')];
    const instructions = [session, response].flatMap((each) => [textAt(each, 'instructions') ?? []].flat());
    const item = memberOf(message, 'item') === undefined ? [] : [objectAt(message, 'item')];
    const audio = textAt(message, 'audio');
    return arrange([
      ...instructions.map((each) => ({ role: 'system', parts: [text(each)] })),
      ...[...objectsAt(response, 'input'), ...item].flatMap(readItem),
      ...(audio === undefined ? [] : [{ role: 'user', parts: [media('audio', { base64: audio })] }]),
    ]);
  },
  laneOf: (event) => textAt(event, 'response_id') ?? textAt(objectAt(event, 'response'), 'id') ?? '',
  read(event, draft) {
    const type = textAt(event, 'type') ?? '';
    if (/^response\.(?:output_)?audio_transcript\.delta$|^response\.text\.delta$/.test(type)) {
      openaiResponses.read({ ...event, type: 'response.output_text.delta' }, draft);
    } else if (type === 'response.done') {
      const response = asResponse(objectAt(event, 'response'));
      readEvent({ ...event, response }, response, draft);
    } else {
      openaiResponses.read(event, draft);
    }
    return type === 'response.done' || type === 'error' ? 'ends' : 'goes on';
  },
  modelOf: (event) => (/^session\.(?:created|updated)$/.test(textAt(event, 'type') ?? '') ? textAt(objectAt(event, 'session'), 'model') : undefined),
  handlesNamed: () => [],
  handlesGiven: () => [],
  keepsNothing: true,
  keepsSettings: true,
  refusal: (problem, asked) => ({
    event_id: `event_${randomUUID().replaceAll('-', '')}`,
    ...socketError(problem, { event_id: asked === null ? null : (textAt(asked, 'event_id') ?? null) }),
  }),
};

const known: ReadonlySet<string> = new Set([
  'session.update',
  'transcription_session.update',
  'input_audio_buffer.append',
  'input_audio_buffer.commit',
  'input_audio_buffer.clear',
  'output_audio_buffer.clear',
  'conversation.item.create',
  'conversation.item.retrieve',
  'conversation.item.truncate',
  'conversation.item.delete',
  'response.create',
  'response.cancel',
]);

/** Reads an item. It has the form of an item of Responses, except for spoken content. */
function readItem(item: JsonObject): readonly Message[] {
  const spoken = objectsAt(item, 'content').map(readSpoken);
  const read = openaiResponses.messages({ input: [{ ...item, content: objectsAt(item, 'content').filter((_, at) => spoken[at] === null) }] });
  const parts = spoken.flatMap((each) => each ?? []);
  return parts.length === 0 ? read : [...read, { role: textAt(item, 'role') ?? 'user', parts }];
}

/** Reads a spoken part of an item. Null for a part that Responses has too. */
function readSpoken(part: JsonObject): readonly Part[] | null {
  const transcript = textAt(part, 'transcript');
  const audio = textAt(part, 'audio');
  const type = textAt(part, 'type');
  if (type !== 'input_audio' && type !== 'audio' && type !== 'output_audio') {
    return null;
  }
  return [...(transcript === undefined ? [] : [text(transcript)]), ...(audio === undefined ? [] : [media('audio', { base64: audio })])];
}

/** Gives an answer the members that an answer of Responses has. */
function asResponse(response: JsonObject): JsonObject {
  const usage = objectAt(response, 'usage');
  const details = objectAt(response, 'status_details');
  return {
    ...response,
    usage: { ...usage, input_tokens_details: objectAt(usage, 'input_token_details'), output_tokens_details: objectAt(usage, 'output_token_details') },
    conversation: { id: textAt(response, 'conversation_id') },
    incomplete_details: { reason: textAt(details, 'reason') },
    error: memberOf(details, 'error'),
    output: objectsAt(response, 'output').map((item) => ({ ...item, content: objectsAt(item, 'content').map(asText) })),
  };
}

function asText(part: JsonObject): JsonObject {
  const transcript = textAt(part, 'transcript');
  return transcript === undefined ? part : { type: 'output_text', text: transcript };
}
