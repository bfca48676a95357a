import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import type { Channel } from '../../domain/channel.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { composeResponseHead } from '../head.ts';
import { endToEndResponse, pairHeaders } from '../headers.ts';

/** An answer that may be a refusal is held until it is longer than this. */
const heldBytesMax = 16 * 1024;
const refusing: ReadonlySet<number> = new Set([401, 407]);
/** Statuses that say so with a word beside them: of AWS, in a header or the body, and of Google. */
const perhapsRefusing: ReadonlySet<number> = new Set([400, 403]);
const words =
  /\b(?:UnrecognizedClientException|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature(?:Exception)?|MissingAuthenticationToken(?:Exception)?|ExpiredToken(?:Exception)?|API_KEY_INVALID)\b/;

export interface CheckParts {
  readonly channel: Channel;
  /** Sequence number of the request's record. */
  readonly request: number;
  readonly receiver: CallReceiver;
}

/**
 * Stands where an answer comes from a target that was given a credential of the gateway's. One that refuses it is no answer to the client, who has another: it is an
 * alert for whoever runs the gateway, with what the target said.
 */
export class CredentialCheck implements CallReceiver {
  readonly #parts: CheckParts;
  /** Held until it is known what it says. */
  #head: AnsweredHead | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(parts: CheckParts) {
    this.#parts = parts;
  }

  onInformation(head: AnsweredHead): void {
    this.#parts.receiver.onInformation(head);
  }

  onHead(head: AnsweredHead): void {
    if (refusing.has(head.status) || perhapsRefusing.has(head.status)) {
      this.#head = head;
    } else {
      this.#parts.receiver.onHead(head);
    }
  }

  onUpgrade(head: AnsweredHead, upstream: Upstream): void {
    this.#parts.receiver.onUpgrade(head, upstream);
  }

  onBytes(bytes: Buffer): void {
    if (this.#head === null) {
      this.#parts.receiver.onBytes(bytes);
      return;
    }
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > heldBytesMax) {
      this.#settle(this.#head);
    }
  }

  onEnd(trailers: readonly string[]): void {
    if (this.#head === null || this.#settle(this.#head)) {
      this.#parts.receiver.onEnd(trailers);
    }
  }

  onError(error: GatewayError): void {
    if (this.#head === null || this.#settle(this.#head)) {
      this.#parts.receiver.onError(error);
    }
  }

  onDrain(): void {
    this.#parts.receiver.onDrain();
  }

  /** True: it is an answer to the client, and goes on to it. */
  #settle(head: AnsweredHead): boolean {
    const { channel, request, receiver } = this.#parts;
    const body = Buffer.concat(this.#held);
    this.#head = null;
    this.#held = [];
    if (!refusing.has(head.status) && !words.test(head.rawHeaders.join('\n')) && !words.test(body.toString('latin1'))) {
      receiver.onHead(head);
      receiver.onBytes(body);
      return true;
    }
    const { name, protocol } = channel.target;
    const answered = composeResponseHead(head.status, head.statusText, endToEndResponse(pairHeaders(head.rawHeaders)));
    const attributes = { 'http.response.status_code': head.status };
    try {
      channel.record('alert', { action: `${protocol}.target_refused_credential`, request, attributes }, [answered, body.subarray(0, heldBytesMax)]);
      receiver.onError(
        new GatewayError(
          'target_refused_credential',
          `The target ${name} does not accept the gateway's credential (HTTP ${head.status}): whoever runs the gateway must mend it. Yours is in order.`,
        ),
      );
    } catch (error) {
      receiver.onError(error instanceof GatewayError ? error : new GatewayError('cannot_record', 'The answer could not be recorded.', { cause: error }));
    }
    return false;
  }
}
