import { hash } from 'node:crypto';
import { gemini, memberIn, listIn, textIn } from './gemini.ts';
import { isObject, type JsonObject, memberOf, numberAt, objectAt, objectsAt, textAt } from './json.ts';
import type { LiveShape } from './live-shape.ts';
import { expectText, presentAttributes } from './parameters.ts';
import { arrange, media, type Message, modalityOf, type Part, text } from './transcript.ts';

/** Reads Gemini's Live API: https://ai.google.dev/api/live */
export const liveGemini: LiveShape = {
  actionOf: (message) => (Object.keys(message).every((name) => known.has(name)) ? 'llm.talk_live' : 'unknown'),
  parameters(message) {
    // This call also refuses members in two spellings, anywhere in the message.
    gemini.parameters({ ...message, contents: [] });
    const setup = objectIn(message, 'setup');
    return { ...gemini.parameters(setup), ...presentAttributes({ 'gen_ai.request.model': expectText(setup, 'model')?.replace(/^models\//, '') }) };
  },
  messages(message) {
    const setup = objectIn(message, 'setup');
    const content = objectIn(message, 'clientContent');
    const input = objectIn(message, 'realtimeInput');
    const responses = listIn(objectIn(message, 'toolResponse'), 'functionResponses').map((each) => ({ functionResponse: each }));
    return arrange([
      ...gemini.messages(setup),
      ...gemini.messages({ contents: [...listIn(content, 'turns'), ...(responses.length === 0 ? [] : [{ parts: responses }])] }),
      ...spoken(input),
    ]);
  },
  laneOf: () => '',
  read(event, draft) {
    const content = objectAt(event, 'serverContent');
    const calls = objectsAt(objectAt(event, 'toolCall'), 'functionCalls');
    const transcript = textAt(objectAt(content, 'outputTranscription'), 'text');
    const usage = objectAt(event, 'usageMetadata');
    const parts = [
      ...objectsAt(objectAt(content, 'modelTurn'), 'parts'),
      ...(transcript === undefined ? [] : [{ text: transcript }]),
      ...calls.map((call) => ({ functionCall: call })),
    ];
    gemini.read(
      {
        candidates: [{ content: { parts } }],
        usageMetadata: { ...usage, candidatesTokenCount: numberAt(usage, 'responseTokenCount') ?? numberAt(usage, 'candidatesTokenCount') },
      },
      draft,
    );
    const isOver = memberOf(content, 'turnComplete') === true;
    const isCut = memberOf(content, 'interrupted') === true;
    const isFinished = draft.facts()['gen_ai.response.finish_reasons'] !== undefined;
    draft.finish(
      0,
      isOver
        ? (textAt(content, 'turnCompleteReason') ?? (isFinished ? undefined : isCut ? 'interrupted' : 'turn_complete'))
        : isCut
          ? 'interrupted'
          : undefined,
    );
    // After the model has called tools, it waits for the client.
    return isOver || calls.length > 0 ? 'ends' : memberOf(event, 'usageMetadata') !== undefined && parts.length === 0 ? 'counts' : 'goes on';
  },
  modelOf: () => undefined,
  handlesNamed: (message) => handle(textIn(objectIn(objectIn(message, 'setup'), 'sessionResumption'), 'handle')),
  handlesGiven: (event) => handle(textAt(objectAt(event, 'sessionResumptionUpdate'), 'newHandle')),
  keepsNothing: true,
  keepsSettings: true,
  // The API has no message for errors: it gives the reason when it closes the connection.
  refusal: () => null,
};

const known: ReadonlySet<string> = new Set(
  ['setup', 'clientContent', 'realtimeInput', 'toolResponse'].flatMap((name) => [name, name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]),
);

function objectIn(object: JsonObject, name: string): JsonObject {
  const value = memberIn(object, name);
  return isObject(value) ? value : {};
}

function spoken(input: JsonObject): readonly Message[] {
  const said = textIn(input, 'text');
  const blobs = [...listIn(input, 'mediaChunks'), ...listIn(input, 'audio'), ...listIn(input, 'video')];
  const parts: Part[] = [
    ...(said === undefined ? [] : [text(said)]),
    ...blobs.map((blob) => media(modalityOf(textIn(blob, 'mimeType')), { mimeType: textIn(blob, 'mimeType'), base64: textAt(blob, 'data') ?? '' })),
  ];
  return parts.length === 0 ? [] : [{ role: 'user', parts }];
}

/** The id of a handle that opens a session again. It is a digest because a handle may be of any length, and has a prefix that tells it from other ids. */
function handle(value: string | undefined): readonly string[] {
  return value === undefined || value === '' ? [] : [`live/${hash('sha256', value)}`];
}
