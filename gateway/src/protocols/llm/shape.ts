import type { Attributes } from '../../domain/action.ts';
import type { AnswerDraft } from './answer-draft.ts';
import type { JsonObject } from './json.ts';
import type { Message } from './transcript.ts';

/** Reads the JSON of one API. */
export interface Shape {
  /** False for a body that the path allows but that has another form: its action is `unknown`. Absent: always true. */
  knows?(body: JsonObject): boolean;
  /** Facts that policy sees. Throws GatewayError `malformed` or `limit_exceeded`: see `parameters.ts`. */
  parameters(body: JsonObject): Attributes;
  /** The system instructions and the conversation so far. Any JSON is acceptable. Throws GatewayError `malformed` if a member has two spellings. */
  messages(body: JsonObject): Message[];
  /** Puts a whole answer, or one event of a stream, into the draft. Never throws. */
  read(value: JsonObject, draft: AnswerDraft): void;
}
