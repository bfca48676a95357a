/** An event of text/event-stream. */
export interface SseEvent {
  /** The type that the stream names, otherwise `message`. */
  readonly type: string;
  readonly data: string;
  /** The last id that the stream gave; empty before the first id. */
  readonly id: string;
}

/** A message of application/vnd.amazon.eventstream. */
export interface AwsMessage {
  /** The headers whose value is a string. Headers of other types are not needed. */
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Buffer;
  /** The whole message as it came. */
  readonly bytes: Buffer;
}

/**
 * A part of a body, as a framer cuts it. All frames of a body together have its bytes, each once and in order. Only an `event`, a `message`, a `document` or a
 * `whole` is complete.
 */
export type Frame =
  | { readonly is: 'event'; readonly bytes: Buffer; readonly event: SseEvent }
  | { readonly is: 'message'; readonly bytes: Buffer; readonly message: AwsMessage }
  /** A JSON object, or a line, of several. */
  | { readonly is: 'document'; readonly bytes: Buffer }
  /** The body from here to its end. */
  | { readonly is: 'whole'; readonly bytes: Buffer }
  /** Bytes that say nothing: a comment, or what stands between events or documents. `id` is present if they name the id of a point in the stream. */
  | { readonly is: 'other'; readonly bytes: Buffer; readonly id?: string }
  /** The last bytes of a stream that end in the middle of an event. `event` is present if there are clients that take them for one; `id` if they name one. */
  | { readonly is: 'unended'; readonly bytes: Buffer; readonly event?: SseEvent; readonly id?: string }
  /** A frame that nobody can read, or a document without its end. */
  | { readonly is: 'damaged'; readonly bytes: Buffer }
  /** The beginning of a frame that is longer than the limit. */
  | { readonly is: 'long'; readonly bytes: Buffer }
  /** Bytes that follow a long or a damaged frame and belong to it. */
  | { readonly is: 'rest'; readonly bytes: Buffer };

/** Finds the frames in one body, in one form of content. Any bytes are acceptable, in any pieces. */
export interface Splitter {
  /** True if the body is a stream, so that its frames mean something before it ends. */
  readonly isStream: boolean;
  /** Returns the positions in the next bytes of the body after which a frame ends, in order. */
  ends(bytes: Buffer): readonly number[];
  /** Makes the frame of these bytes. Called in order. */
  frame(bytes: Buffer): Frame;
  /** Makes the frame of the last bytes of the body, after which no frame has ended. */
  last(bytes: Buffer): Frame;
  /** False if `other` bytes end wherever a piece of the body ends, so that they are never held and have no limit. Absent: they are held like any frame. */
  readonly holdsOther?: boolean;
  /** False if no frame of anybody else may stand here, although one has ended. Absent: one may. */
  readonly isBetween?: boolean;
}
