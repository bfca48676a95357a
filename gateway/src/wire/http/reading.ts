import type { Action, Attributes } from '../../domain/action.ts';

/** The head of a request as it is sent to the target. Names are in lower case. */
export interface RequestHead {
  readonly method: string;
  /** Normalised path with its query, without the base path of the target. */
  readonly path: string;
  readonly headers: Headers;
}

export interface ResponseHead {
  readonly status: number;
  readonly headers: Headers;
}

export type Headers = readonly (readonly [name: string, value: string])[];

/** What a protocol makes of one request. */
export interface RequestReading {
  readonly action: Action;
  readonly answer: AnswerReader;
  /** Its clients send again what they sent before, and more: what is repeated is stored once for a session. */
  readonly repeats?: boolean;
}

/** Follows one answer for its facts. Any bytes are acceptable, in any pieces; content codings are already undone. */
export interface AnswerReader {
  head(head: ResponseHead): void;
  bytes(piece: Uint8Array): void;
  /** What came so far is part of a stream, and ends with the end of an event: another one may follow. */
  readonly isBetweenEvents?: boolean;
  /** At the end, also of an answer that was cut. */
  facts(): Attributes;
  /** What the protocol calls the time from the forwarding of the request to the first bytes of the answer's body. Absent: the time to its head is kept. */
  firstBytes?(seconds: number): Attributes;
  /** What somebody should hear of; recorded before the end of the answer is. Asked for once, at the end of a whole answer. */
  alerts?(): readonly Alert[];
}

export interface Alert {
  readonly action: string;
  readonly attributes: Attributes;
}

/** For answers of which nothing is to be known but their status. */
export const noAnswerReader: AnswerReader = { head: () => undefined, bytes: () => undefined, facts: () => ({}) };

export function headerOf(headers: Headers, name: string): string | undefined {
  return headers.find(([known]) => known === name)?.[1];
}
