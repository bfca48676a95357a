import type { Attributes } from '../../domain/action.ts';
import type { ClientHead } from '../client-response.ts';
import type { Headers, Note } from '../reading.ts';

/** A part of an answer that arrived together. It is read, recorded and released as one. */
export interface AnswerPiece {
  /** The head as the client gets it. Null: an earlier piece had it. */
  readonly head: ClientHead | null;
  readonly bytes: Buffer;
  /** The trailers of an answer that ends with this piece. Null: more follows. */
  readonly trailers: Headers | null;
}

/** A piece with what is to be recorded of it. */
export interface KnownPiece extends AnswerPiece {
  readonly headFacts: Attributes;
  /** The facts of the whole answer, if the answer ends with this piece; otherwise none. */
  readonly facts: Attributes;
  /** The notes to be recorded before the end of the answer. */
  readonly notes: readonly Note[];
  /** True if another event may follow this piece, also one of the gateway's. */
  readonly isBetweenEvents: boolean;
}

/** Receives an answer piece by piece. It is called in order, and not after the piece that ends the answer. */
export interface PieceReceiver<Piece extends AnswerPiece> {
  /** Takes an answer of status 1xx, which comes before the first piece. */
  onInformation(head: ClientHead): void;
  onPiece(piece: Piece): void;
}
