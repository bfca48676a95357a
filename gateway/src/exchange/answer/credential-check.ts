import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import type { Channel } from '../../domain/channel.ts';
import { changeText, type TextChange } from '../../domain/text-change.ts';
import { composeResponseHead } from '../head.ts';
import { endToEndResponse, pairHeaders } from '../headers.ts';
import { HeldAnswer, type HeldBody } from './held-answer.ts';

/** An answer that may be a refusal is held until it is longer than this. */
const heldBytesMax = 16 * 1024;
const refusing: ReadonlySet<number> = new Set([401, 407]);
/** Statuses that mean a refused credential only together with a word: from AWS in a header or the body, and from Google in the body. */
const perhapsRefusing: ReadonlySet<number> = new Set([400, 403]);
const words =
  /\b(?:UnrecognizedClientException|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature(?:Exception)?|MissingAuthenticationToken(?:Exception)?|ExpiredToken(?:Exception)?|API_KEY_INVALID)\b/;

export interface CheckParts {
  readonly channel: Channel;
  /** Sequence number of the request's record. */
  readonly request: number;
  /** The changes that the texts of the answer go through: the alert holds the changed answer. */
  readonly changes: readonly TextChange[];
}

/**
 * Checks an answer to a request with the gateway's own credential. If the target refuses the credential, its answer is not for the client, who has another
 * credential. Instead an alert tells the operator of the gateway what the target said.
 */
export class CredentialCheck extends HeldAnswer {
  readonly #parts: CheckParts;

  constructor(parts: CheckParts, next: CallReceiver) {
    super(next, heldBytesMax);
    this.#parts = parts;
  }

  protected override isHeld({ status }: AnsweredHead): boolean {
    return refusing.has(status) || perhapsRefusing.has(status);
  }

  /** Throws GatewayError `target_refused_credential` or `cannot_record`. */
  protected override judge(held: HeldBody): HeldBody {
    const { head, body } = held;
    if (!refusing.has(head.status) && !words.test(head.rawHeaders.join('\n')) && !words.test(body.toString('latin1'))) {
      return held;
    }
    const { channel, request, changes } = this.#parts;
    const { name, protocol } = channel.target;
    const answered = composeResponseHead(head.status, head.statusText, endToEndResponse(pairHeaders(head.rawHeaders)));
    const said = body.subarray(0, heldBytesMax);
    const attributes = { 'http.response.status_code': head.status };
    channel.record('alert', { action: `${protocol}.target_refused_credential`, request, attributes }, [
      answered,
      changes.length === 0 ? said : Buffer.from(changeText(changes, said.toString())),
    ]);
    throw new GatewayError(
      'target_refused_credential',
      `The target ${name} does not accept the gateway's credential (HTTP ${head.status}). The operator of the gateway must correct it; your own token is in order.`,
    );
  }
}
