import type { Attributes } from '../../domain/action.ts';
import type { Problem } from '../../exchange/problem.ts';
import type { ActionName } from './actions.ts';
import type { AnswerDraft } from './answer-draft.ts';
import type { JsonObject } from './json.ts';
import type { Message } from './transcript.ts';

/** Reads the JSON of one API over WebSocket, where either side may send at any time. */
export interface LiveShape {
  /** The action of a message of the client. `unknown`: its kind is not known. */
  actionOf(message: JsonObject): ActionName | 'unknown';
  /** Facts about a message of the client that policy sees. Throws GatewayError `malformed` or `limit_exceeded`. */
  parameters(message: JsonObject): Attributes;
  /** Returns the text of a message of the client. Any JSON is acceptable input. Throws GatewayError `malformed` if a member has two spellings. */
  messages(message: JsonObject): Message[];
  /** The key of the answer that a message of the target belongs to: several answers may be under way. */
  laneOf(event: JsonObject): string;
  /** Puts a message of the target into the draft of its answer. Never throws. */
  read(event: JsonObject, draft: AnswerDraft): Progress;
  /** The name of the model, if this message of the target states it for the connection. */
  modelOf(event: JsonObject): string | undefined;
  /** The ids of things kept for the client that a message of the client names, or of the target gives, beside the ids that are known by their spelling. */
  handlesNamed(message: JsonObject): readonly string[];
  handlesGiven(event: JsonObject): readonly string[];
  /** True if the ids that the target gives end with the connection: it keeps nothing under them. */
  readonly keepsNothing: boolean;
  /** True if tools and prompts that a message of the client sets hold for the messages after it. */
  readonly keepsSettings: boolean;
  /** An error in the API's form; `asked` is the message that it is about. Null: the API has no form for errors. */
  refusal(problem: Problem, asked: JsonObject | null): JsonObject | null;
}

/** `goes on`: the answer is not complete. `ends`: it is complete. `counts`: the message tells the use of the connection and belongs to no answer. */
type Progress = 'goes on' | 'ends' | 'counts';
