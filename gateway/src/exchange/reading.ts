import type { Action, Attributes, GivenIds } from '../domain/action.ts';
import type { FindParts } from '../content/text-frame.ts';
import type { Problem } from './problem.ts';
import type { TakeElsewhere, TakeStep } from './step.ts';

/** The head of a request as it is sent to the target. Names are in lower case. */
export interface RequestHead {
  readonly method: string;
  /** The normalised path with its query, without the base path of the target. */
  readonly path: string;
  readonly headers: Headers;
}

export interface ResponseHead {
  readonly status: number;
  readonly headers: Headers;
}

export type Headers = readonly (readonly [name: string, value: string])[];

/** One request as its protocol understands it. */
export interface RequestReading {
  readonly action: Action;
  readonly answer: AnswerReader;
  /** Present when the target may ask something of the client in the answer. */
  readonly screen?: AnswerScreen;
  /** Finds in an event of the answer the texts that other events continue. Absent: no text comes in pieces. */
  readonly findParts?: FindParts;
  /** Members of a JSON answer in which the target's API gives addresses of its own to be followed. */
  readonly urlMembers?: readonly string[];
  /** True if clients of this API repeat what they sent before and add to it. A repeated part is stored once per session. */
  readonly repeats?: boolean;
  /** The name by which an error of the gateway refers to the request in its body, for protocols whose errors do so. */
  readonly answerTo?: string;
}

/**
 * Splits an answer into pieces that are released whole, and lists what the target asks of the client in each. Any bytes are acceptable, in any pieces; it is given
 * every byte of the answer before the client gets it.
 */
export interface AnswerScreen {
  head(head: ResponseHead): void;
  /** The answer whose head it was given is a stream: pieces are released as they come, and some may be left out. Any other answer is released at its end. */
  readonly isStream: boolean;
  push(bytes: Buffer): readonly ScreenedPiece[];
  /** The answer is over: returns the pieces that are still held. */
  end(): readonly ScreenedPiece[];
}

export interface ScreenedPiece {
  readonly bytes: Buffer;
  /** Those of a long piece are found by a step. */
  readonly asks: readonly Ask[] | ((take: TakeElsewhere) => Promise<readonly Ask[]>);
  /** Returns what becomes of the piece when one of its asks is denied. */
  readonly refused: (problem: Problem) => Refusal;
}

/** Something that the target asks of the client: decided on as a request is. */
export interface Ask {
  readonly action: Action;
  readonly content: Uint8Array;
}

export interface Refusal {
  /** The bytes that replace the piece. Null: the whole answer ends with an error of the gateway. */
  readonly toClient: Buffer | null;
  readonly toTarget: readonly OwnRequest[];
}

/** A request of the gateway's own, to carry out a decision. */
export interface OwnRequest {
  readonly head: RequestHead;
  readonly body: Buffer;
  readonly action: Action;
}

/** Follows one answer for its facts. Any bytes are acceptable, in any pieces; content codings are already undone. */
export interface AnswerReader {
  head(head: ResponseHead): void;
  bytes(piece: Uint8Array): void;
  /** At the end of what came: reads the document that is too long to be read at once. Null: nothing is left to be read. Rejects as `take` does; the answer is `unreadable` then. */
  finish?(take: TakeElsewhere): Promise<void> | null;
  /** The body is not given, or not read: it is longer than what is held of one that is encoded, its coding cannot be undone, or reading it takes too much. */
  unreadable?(): void;
  /** The bytes so far belong to a stream and end with the end of an event: another event may follow. */
  readonly isBetweenEvents?: boolean;
  /** At the end, also of an answer that was cut. */
  facts(): Attributes;
  /** The protocol's own attributes for the seconds from forwarding the request to the first bytes of the answer's body. Absent: the time to the head is recorded. */
  firstBytes?(seconds: number): Attributes;
  /** Ids that the target gave in what was read since this was asked last. */
  given?(): GivenIds;
  /** Notes to be recorded before the end of the answer. Called once, at the end of a whole answer. */
  notes?(): readonly Note[];
}

/** Reads what goes over one WebSocket, in order. A message is whole, in however many frames it came. */
export interface SocketReader {
  /** The action that a message of the client asks for. It is decided on before any byte of it moves. A message for which this throws GatewayError `malformed` or `limit_exceeded` is refused. */
  ask(payload: Buffer): Action;
  /** The action that a long message asks for, given in its frames and read by a step that `take` takes. Another message is asked about only when this one has settled. Rejects as `ask` throws. */
  askLong(frames: Buffer, take: TakeStep): Promise<Action>;
  /** Finds in a message of the target the texts that other messages continue. Absent: no text comes in pieces. */
  readonly findParts?: FindParts;
  /** Reads a message of the target for its record. Any bytes are acceptable. */
  hear(payload: Buffer): HeardMessage;
  /** An error of the gateway as a text message for the client, in the form of the protocol. It is about the message that `ask` or `askLong` got last, if that one is refused. Null: the protocol has no form for errors. */
  refusal(problem: Problem): string | null;
}

export interface HeardMessage {
  readonly attributes: Attributes;
  /** The ids that the message gives; absent if it gives none. */
  readonly given?: GivenIds;
}

/** A record beside those of requests and answers: an `alert` for people, or an `event` that the gateway remembers. */
export interface Note {
  readonly kind: 'alert' | 'event';
  readonly action: string;
  readonly attributes: Attributes;
}

/** Reads nothing; for answers of which only the status matters. */
export const noAnswerReader: AnswerReader = { head: () => undefined, bytes: () => undefined, facts: () => ({}) };

export function headerOf(headers: Headers, name: string): string | undefined {
  return headers.find(([known]) => known === name)?.[1];
}
