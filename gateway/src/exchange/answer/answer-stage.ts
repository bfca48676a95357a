import type { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import type { Upstream } from '../../domain/upstream.ts';

/** A stage of an answer on its way from the target to the client. `next` receives what the stage lets through; the result receives the answer before the stage. */
export type AnswerStage = (next: CallReceiver) => CallReceiver;

/** Puts stages before the last receiver, in the order in which an answer goes through them. The result is the first receiver. */
export function throughStages(stages: readonly AnswerStage[], last: CallReceiver): CallReceiver {
  return stages.reduceRight((next, stage) => stage(next), last);
}

/**
 * The base of a stage. Everything passes unchanged until the stage ends the answer with an error. A stage overrides the methods for what it changes or holds.
 */
export abstract class PassedAnswer implements CallReceiver {
  protected readonly next: CallReceiver;
  #isOver = false;

  constructor(next: CallReceiver) {
    this.next = next;
  }

  /** True if the stage has ended the answer with an error. Nothing goes on after that. */
  protected get isOver(): boolean {
    return this.#isOver;
  }

  onInformation(head: AnsweredHead): void {
    this.next.onInformation(head);
  }

  onHead(head: AnsweredHead): void {
    this.next.onHead(head);
  }

  onUpgrade(head: AnsweredHead, upstream: Upstream): void {
    this.next.onUpgrade(head, upstream);
  }

  onBytes(bytes: Buffer): void {
    this.next.onBytes(bytes);
  }

  onEnd(trailers: readonly string[]): void {
    this.next.onEnd(trailers);
  }

  /** Ends the answer with an error. A second error is ignored. */
  onError(error: GatewayError): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.next.onError(error);
    }
  }

  onDrain(): void {
    this.next.onDrain();
  }
}
