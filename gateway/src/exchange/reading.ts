import type { Action, Attributes, GivenIds } from '../domain/action.ts';
import type { HeldNotice } from '../domain/channel.ts';
import type { Frame } from '../content/frame.ts';
import type { Framer } from '../content/framer.ts';
import type { FindParts, KnowMember } from '../content/text-frame.ts';
import type { Problem } from './problem.ts';
import type { TakeElsewhere, TakeStep } from './step.ts';

/** The head of a request as it is sent to the target. Names are in lower case. */
export interface RequestHead {
  readonly method: string;
  /** The normalised path with its query, without the target's base path. */
  readonly path: string;
  readonly headers: Headers;
}

export interface ResponseHead {
  readonly status: number;
  readonly headers: Headers;
}

export type Headers = readonly (readonly [name: string, value: string])[];

/** One request as its protocol reads it. */
export interface RequestReading {
  readonly action: Action;
  readonly answer: AnswerReading;
  /** Finds, in an event of the answer, texts that other events continue. Absent: no text comes in pieces. */
  readonly findParts?: FindParts;
  /** True if a member of a JSON answer of which a mask leaves nothing may be null. Otherwise a string stays a string, because clients of the protocol expect one. */
  readonly takesNull?: boolean;
  /** True if an answer in JSON is a stream of documents, each in a line of its own, although its media type does not say so. */
  readonly areLines?: boolean;
  /** Says which members of JSON, in the request and in its answer, are of a class whatever they look like. Absent: none is. */
  readonly knowMember?: KnowMember;
  /** The members of a JSON answer in which the target's API gives its own addresses for clients to follow. */
  readonly urlMembers?: readonly string[];
  /** True if clients of this API repeat what they sent before and add to it. A repeated part is stored only once in each session. */
  readonly repeats?: boolean;
  /** The name by which the body of an error of the gateway refers to the request, for protocols whose errors do that. */
  readonly answerTo?: string;
  /** The forms in which the client is told that the request is held and waits. Absent: its answer waits for a short time, and is then an error. */
  readonly held?: HeldForms;
}

/** The forms of a protocol for the client of a held request that waits. */
export interface HeldForms {
  /** Writes an event that tells the client that it waits. `told`: how many it had before. The answer may then wait as long as the approval. Absent: the client takes no events. */
  readonly event?: (notice: HeldNotice, told: number) => Uint8Array;
  /** Writes the JSON of an answer with status 200 that has the client send the request again after it has waited. Absent: it is told with an error. */
  readonly again?: (problem: Problem) => string;
}

/** The requests of the target to the client in one frame of an answer. */
export interface AskingFrame {
  /** For a long frame they are found by a step. */
  readonly asks: readonly Ask[] | ((take: TakeElsewhere) => Promise<readonly Ask[]>);
  /** Returns what happens to the frame if one of its requests is denied. */
  readonly refused: (problem: Problem) => Refusal;
}

/** A request of the target to the client. It is decided on like a request of the client. */
export interface Ask {
  readonly action: Action;
  readonly content: Uint8Array;
}

export interface Refusal {
  /** The bytes that replace the frame. Null: the whole answer ends with an error of the gateway. */
  readonly toClient: Buffer | null;
  readonly toTarget: readonly OwnRequest[];
}

/** A request that the gateway itself makes to carry out a decision. */
export interface OwnRequest {
  readonly head: RequestHead;
  readonly body: Buffer;
  readonly action: Action;
}

/**
 * Reads one answer. Content codings are already undone. Frames are read at two places: those that ask something are screened before the client gets them, and
 * facts are found in those that the client gets.
 */
export interface AnswerReading {
  /** Returns a new framer, which cuts an answer with this head into frames. Null: its body is not read. */
  framer(head: ResponseHead): Framer | null;
  /** Reads the head for facts. */
  head(head: ResponseHead): void;
  /** Reads the next frame for facts. Never throws. */
  frame(frame: Frame): void;
  /** Reads the answer also as the target sent it, where policy changes its texts. Null or absent: only what the client gets is read. */
  readonly sent?: Pick<AnswerReading, 'framer' | 'head' | 'frame'> | null;
  /** Sees all bytes for facts, as they come, before the frames that end in them. Absent: only frames are read. */
  bytes?(piece: Uint8Array): void;
  /**
   * Lists what the target asks of its client in a frame. Null: nothing. Absent: the target never asks anything. Throws a GatewayError if the answer must end.
   */
  asks?(frame: Frame, head: ResponseHead): AskingFrame | null;
  /**
   * Reads a document that is too long to be read at once, when no more bytes come. Null: nothing is left to read. Rejects as `take` does; the answer is then
   * `unreadable`.
   */
  finish?(take: TakeElsewhere): Promise<void> | null;
  /**
   * Called if the body is not given or not read: an encoded body is too long to be held, its coding cannot be undone, or reading takes too much time or memory.
   */
  unreadable?(): void;
  /** Returns true if no event may follow those that were read. */
  isOver?(): boolean;
  /** Returns the facts. Called at the end, also for an answer that was cut off. */
  facts(): Attributes;
  /**
   * Returns the protocol's own attributes for the time in seconds from forwarding the request to the first bytes of the answer's body. Absent: the time to the
   * head is recorded.
   */
  firstBytes?(seconds: number): Attributes;
  /** Returns the ids that the target gave in the bytes that were read since the last call. */
  given?(): GivenIds;
  /** Notes to be recorded before the end of the answer. Called once, at the end of a whole answer. */
  notes?(): readonly Note[];
}

/** Reads the messages of one WebSocket, in order. A message is given whole, in however many frames it came. */
/** Finds texts in the messages of a target that are more than a text: those that say first which of several texts they continue. It gets each message once, in order. */
export interface MessageTexts {
  /** Returns what a message says. Null: the message is a text, or JSON, itself. Throws GatewayError `unsupported` for what is no text. */
  read(payload: Buffer): MessageText | null;
}

export interface MessageText {
  /** The beginning of the message, before the text. */
  readonly before: string;
  readonly text: string;
  /** The name of the longer text of which it is a piece. */
  readonly partOf: string;
  /** True if the message is exactly these. Otherwise a character began in an earlier message, or ends in a later one. */
  readonly isExact: boolean;
}

export interface SocketReader {
  /**
   * Returns the action that a message of the client asks for. It is decided on before any byte of the message moves. Throws GatewayError `malformed` or
   * `limit_exceeded`; the message is then refused.
   */
  ask(payload: Buffer): Action;
  /**
   * Returns the action of a long message. It is given in its frames, and a step reads it with `take`. The next message is asked about only when this has
   * settled. Rejects with the errors that `ask` throws.
   */
  askLong(frames: Buffer, take: TakeStep): Promise<Action>;
  /** Finds in a message of the target the texts that other messages continue. Absent: no text comes in pieces. */
  readonly findParts?: FindParts;
  /** Called when the message that was asked about last is let through. */
  passed(): void;
  /** Reads a message of the target for its record. Any bytes are acceptable. */
  hear(payload: Buffer): HeardMessage;
  /** Returns the facts of answers that have begun and that nobody hears to their end. Empty if there are none. Called when the connection is over. */
  left(): Attributes;
  /**
   * Returns an error of the gateway as a text message to the client, in the form of the protocol. If `ask` or `askLong` refused the last message, the error is
   * about that message. Null: the protocol has no form for errors.
   */
  refusal(problem: Problem): string | null;
}

export interface HeardMessage {
  readonly attributes: Attributes;
  /** The ids that the message gives; absent if it gives none. */
  readonly given?: GivenIds;
}

/** A record that is no request and no answer: an `alert` for people, or an `event` that the gateway remembers. */
export interface Note {
  readonly kind: 'alert' | 'event';
  readonly action: string;
  readonly attributes: Attributes;
}

/** Reads nothing, for answers of which only the status matters. */
export const noAnswerReading: AnswerReading = { framer: () => null, head: () => undefined, frame: () => undefined, facts: () => ({}) };

/** Reads an answer that is there already, or as much of it as there is. */
export function readAnswer(reading: AnswerReading, head: ResponseHead, pieces: readonly Buffer[]): void {
  const framer = reading.framer(head);
  const frames = framer === null ? [] : [...pieces.flatMap((piece) => framer.push(piece)), ...framer.end()];
  reading.head(head);
  frames.forEach((frame) => {
    reading.frame(frame);
  });
}

export function headerOf(headers: Headers, name: string): string | undefined {
  return headers.find(([known]) => known === name)?.[1];
}

/** Returns all values of a header as one text, joined as RFC 9110, 5.3 says; empty if there is none. */
export function joinedHeaderOf(headers: Headers, name: string): string {
  return headers.flatMap(([known, value]) => (known === name ? [value] : [])).join(', ');
}
