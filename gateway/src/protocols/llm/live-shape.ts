import type { Attributes } from '../../domain/action.ts';
import type { Problem } from '../../domain/problem.ts';
import type { ActionName } from './actions.ts';
import type { AnswerDraft } from './answer-draft.ts';
import type { JsonObject } from './json.ts';
import type { Message } from './transcript.ts';

/** What one API's JSON means over WebSocket, where either side may speak at any time. */
export interface LiveShape {
  /** `unknown`: a message of the client of a kind that is not known. */
  actionOf(message: JsonObject): ActionName | 'unknown';
  /** Facts about a message of the client that policy sees. Throws GatewayError `malformed` or `limit_exceeded`. */
  parameters(message: JsonObject): Attributes;
  /** What a message of the client says. Any JSON is acceptable; throws GatewayError `malformed` where a member has two spellings. */
  messages(message: JsonObject): Message[];
  /** Which of the answers that are going on a message of the target is of. */
  laneOf(event: JsonObject): string;
  /** Puts a message of the target into the draft of its answer. Never throws. */
  read(event: JsonObject, draft: AnswerDraft): Progress;
  /** The model that the target says it is; of a message that says so. */
  modelOf(event: JsonObject): string | undefined;
  /** What the target keeps for the client is named and given in these texts, beside the ids that are known by their spelling. */
  handlesNamed(message: JsonObject): readonly string[];
  handlesGiven(event: JsonObject): readonly string[];
  /** The target keeps nothing behind the ids that it gives: they end with the connection. */
  readonly keepsNothing: boolean;
  /** An error in the API's words; `asked` is the message that it is about. Null: there are none. */
  refusal(problem: Problem, asked: JsonObject | null): JsonObject | null;
}

/** `ends`: the answer is complete. `counts`: the message says something of the connection's use, and of no answer. */
type Progress = 'goes on' | 'ends' | 'counts';
