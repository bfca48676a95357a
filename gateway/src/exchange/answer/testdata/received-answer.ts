import type { GatewayError } from '../../../domain/errors.ts';
import type { AnsweredHead, CallReceiver } from '../../../domain/call.ts';
import type { Upstream } from '../../../domain/upstream.ts';

/** The last receiver of an answer in tests. It keeps what arrives. */
export class ReceivedAnswer implements CallReceiver {
  readonly #pieces: Buffer[] = [];
  readonly #over = Promise.withResolvers<void>();
  #awaited: { readonly text: string; readonly found: () => void } | null = null;
  headers: readonly string[] = [];
  trailers: readonly string[] = [];
  bytes = 0;
  isEnded = false;
  error: GatewayError | null = null;

  /** Resolves at the end of the answer, whether it is whole or not. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  get bodyBytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  get body(): string {
    return this.bodyBytes.toString();
  }

  /** Resolves when the body holds a text. */
  async until(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited = { text, found: resolve };
    this.#look();
    return promise;
  }

  onInformation(): void {
    // No test needs this.
  }

  onHead({ rawHeaders }: AnsweredHead): void {
    this.headers = rawHeaders;
  }

  onUpgrade(_head: AnsweredHead, upstream: Upstream): void {
    upstream.destroy();
  }

  onBytes(bytes: Buffer): void {
    this.bytes += bytes.length;
    this.#pieces.push(Buffer.from(bytes));
    this.#look();
  }

  onEnd(trailers: readonly string[]): void {
    this.isEnded = true;
    this.trailers = trailers;
    this.#over.resolve();
  }

  onError(error: GatewayError): void {
    this.error = error;
    this.#over.resolve();
  }

  onDrain(): void {
    // No test needs this.
  }

  #look(): void {
    if (this.#awaited !== null && this.body.includes(this.#awaited.text)) {
      this.#awaited.found();
    }
  }
}
