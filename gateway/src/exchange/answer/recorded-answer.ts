import type { Attributes } from '../../domain/action.ts';
import type { Channel } from '../../domain/channel.ts';
import type { ClientHead } from '../client-response.ts';
import { composeResponseHead } from '../head.ts';
import type { KnownPiece, PieceReceiver } from './answer-piece.ts';

/** A last piece of at most this many bytes is in one record together with its head, however long the head is. */
const oneRecordBytes = 512 * 1024;

/** Makes one record of each piece of an answer, before the piece goes on. */
export class RecordedAnswer implements PieceReceiver<KnownPiece> {
  readonly #channel: Channel;
  readonly #request: number;
  readonly #next: PieceReceiver<KnownPiece>;

  /** `request` is the sequence number of the request's record. */
  constructor(channel: Channel, request: number, next: PieceReceiver<KnownPiece>) {
    this.#channel = channel;
    this.#request = request;
    this.#next = next;
  }

  onInformation(head: ClientHead): void {
    this.#record({ 'http.response.status_code': head.status }, recordedHead(head), true);
    this.#next.onInformation(head);
  }

  /** Throws GatewayError `cannot_record`. */
  onPiece(piece: KnownPiece): void {
    const { head, bytes, trailers, headFacts, facts, notes } = piece;
    for (const { kind, action, attributes } of notes) {
      this.#channel.record(kind, { request: this.#request, action, attributes }, []);
    }
    const begun = head === null ? [] : recordedHead(head);
    if (trailers !== null && bytes.length > oneRecordBytes) {
      // An answer in several records has its facts in the last one, like any answer.
      const end = bytes.length - oneRecordBytes;
      this.#record(headFacts, [...begun, bytes.subarray(0, end)], true);
      this.#record(facts, [bytes.subarray(end)], false);
    } else {
      this.#record({ ...headFacts, ...facts }, [...begun, bytes], trailers === null);
    }
    this.#next.onPiece(piece);
  }

  #record(attributes: Attributes, content: readonly Uint8Array[], continues: boolean): void {
    this.#channel.record('response', { request: this.#request, attributes }, content, continues);
  }
}

function recordedHead({ status, statusText, headers }: ClientHead): Uint8Array[] {
  return [composeResponseHead(status, statusText, headers)];
}
