import type { Attributes } from '../../domain/action.ts';
import type { AnswerDraft } from './answer-draft.ts';
import type { JsonObject } from './json.ts';
import type { Message } from './transcript.ts';

/** What one API's JSON means. */
export interface Shape {
  /** False for a body that is not of this shape although the path allows it: what it asks is unknown then. Absent: always true. */
  knows?(body: JsonObject): boolean;
  /** Facts that policy sees. Throws GatewayError `malformed` or `limit_exceeded`: see `parameters.ts`. */
  parameters(body: JsonObject): Attributes;
  /** The system instructions and the conversation so far. Any JSON is acceptable; throws GatewayError `malformed` where a member has two spellings. */
  messages(body: JsonObject): Message[];
  /** Puts a whole answer, or one event of a stream, into the draft. Never throws. */
  read(value: JsonObject, draft: AnswerDraft): void;
}
