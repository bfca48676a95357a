import { hash } from 'node:crypto';
import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { pairHeaders, withoutBodyHeaders } from '../headers.ts';
import type { DirectUrls, OwnUrls } from './own-urls.ts';
import { headerOf } from '../reading.ts';
import { shortBytes, type TakeElsewhere } from '../step.ts';
import { digestOf, step, type RewrittenBody } from './url-step.ts';

/** An answer in whose body addresses may be is held until it is whole. A longer one is left as it is. */
const heldBytesMax = 4 * 1024 * 1024;

/** Headers that lead a client on (RFC 9110, 10.2.2 and 8.7; RFC 8288; long-running operations of Azure; resumable uploads of Google). */
const leading: ReadonlySet<string> = new Set([
  'location',
  'content-location',
  'link',
  'refresh',
  'operation-location',
  'azure-asyncoperation',
  'x-goog-upload-url',
  'x-goog-upload-control-url',
]);
/** The leading headers in which the address is only a part of the value, with the pattern that finds it. */
const partOfValue: Readonly<Record<string, RegExp>> = { link: /(<)([^<>]*)(?=>)/g, refresh: /(url\s*=\s*["']?)([^"'\s]+)/gi };
const jsonType = /^application\/(?:[\w.-]+\+)?json\b/i;

export interface RewritingParts {
  readonly urls: OwnUrls;
  /** Members of a JSON answer in which the target's API gives addresses of its own. */
  readonly members: readonly string[];
  readonly direct: DirectUrls;
  readonly take: TakeElsewhere;
  readonly receiver: CallReceiver;
}

/**
 * Stands where an answer comes from the target: addresses of the target's own, in the headers and members that are there to be followed, lead through the gateway from
 * here on. So what is recorded is what the client gets; what the target said is there as a digest.
 */
export class UrlRewriting implements CallReceiver {
  readonly #parts: RewritingParts;
  #places: string[] = [];
  #digests: string[] = [];
  #bodyDigest: string | null = null;
  #recordedWay: string | null = null;
  /** Held until its body is whole. */
  #head: AnsweredHead | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(parts: RewritingParts) {
    this.#parts = parts;
  }

  /** Attributes for the record of the answer's head. */
  facts(): Attributes {
    return this.#places.length === 0
      ? {}
      : {
          [ownAttributes.way]: this.#parts.urls.parts.way,
          [ownAttributes.rewrittenUrls]: this.#places,
          [ownAttributes.rewrittenUrlsSha256]: this.#digests,
          ...(this.#bodyDigest === null ? {} : { [ownAttributes.originalBodySha256]: this.#bodyDigest }),
        };
  }

  onInformation(head: AnsweredHead): void {
    this.#parts.receiver.onInformation({ ...head, rawHeaders: this.#rewriteHeaders(head.rawHeaders) });
  }

  onHead(head: AnsweredHead): void {
    this.#recordedWay = head.way ?? null;
    const rewritten = { ...head, rawHeaders: this.#rewriteHeaders(head.rawHeaders) };
    const mayHold = this.#parts.members.length > 0 && jsonType.test(headerOf(pairHeaders(head.rawHeaders), 'content-type') ?? '');
    if (mayHold) {
      this.#head = rewritten;
    } else {
      this.#parts.receiver.onHead(rewritten);
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
      this.#release(this.#head, Buffer.concat(this.#held));
    }
  }

  onEnd(trailers: readonly string[]): void {
    const head = this.#head;
    if (head === null) {
      this.#parts.receiver.onEnd(trailers);
      return;
    }
    const body = Buffer.concat(this.#held);
    const rewritten = this.#rewriteBody(head, body);
    if (rewritten instanceof Promise) {
      void this.#endAfter(rewritten, head, body, trailers);
    } else {
      this.#end(rewritten, head, body, trailers);
    }
  }

  async #endAfter(rewriting: Promise<RewrittenBody>, head: AnsweredHead, body: Buffer, trailers: readonly string[]): Promise<void> {
    try {
      const rewritten = await rewriting;
      if (this.#head !== null) {
        this.#end(rewritten, head, body, trailers);
      }
    } catch (error) {
      this.onError(
        error instanceof GatewayError ? error : new GatewayError('target_unreachable', 'The addresses in the answer could not be read.', { cause: error }),
      );
    }
  }

  #end({ body: rewritten, places, digests, direct }: RewrittenBody, head: AnsweredHead, body: Buffer, trailers: readonly string[]): void {
    this.#parts.direct.add(direct);
    if (rewritten === null) {
      this.#release(head, body);
    } else {
      this.#places = [...this.#places, ...places];
      this.#digests = [...this.#digests, ...digests];
      this.#bodyDigest = hash('sha256', body);
      const kept = withoutBodyHeaders(head.rawHeaders);
      this.#release(
        { ...head, rawHeaders: [...kept, 'content-length', String(rewritten.length)] },
        Buffer.from(rewritten.buffer, rewritten.byteOffset, rewritten.length),
      );
    }
    this.#parts.receiver.onEnd(trailers);
  }

  onError(error: GatewayError): void {
    if (this.#head !== null) {
      this.#release(this.#head, Buffer.concat(this.#held));
    }
    this.#parts.receiver.onError(error);
  }

  onDrain(): void {
    this.#parts.receiver.onDrain();
  }

  #release(head: AnsweredHead, body: Buffer): void {
    this.#head = null;
    this.#held = [];
    this.#parts.receiver.onHead(head);
    if (body.length > 0) {
      this.#parts.receiver.onBytes(body);
    }
  }

  #rewriteHeaders(raw: readonly string[]): readonly string[] {
    return raw.map((text, i) => {
      const name = i % 2 === 1 ? (raw[i - 1] ?? '').toLowerCase() : '';
      if (!leading.has(name)) {
        return text;
      }
      const part = partOfValue[name];
      return part === undefined
        ? this.#rewrite(name, text)
        : text.replaceAll(part, (_found, before: string, url: string) => `${before}${this.#rewrite(name, url)}`);
    });
  }

  #rewriteBody(head: AnsweredHead, body: Buffer): RewrittenBody | Promise<RewrittenBody> {
    const { urls, members, take } = this.#parts;
    const headers = pairHeaders(head.rawHeaders);
    const input = { urls: urls.parts, members, headers, recordedWay: this.#recordedWay, body };
    const isShort = body.length <= shortBytes && headerOf(headers, 'content-encoding') === undefined;
    return isShort ? step.take(input) : take(step, input);
  }

  #rewrite(place: string, url: string): string {
    const through = this.#parts.urls.through(url, this.#recordedWay);
    if (through === null) {
      this.#parts.direct.note(place, url);
      return url;
    }
    this.#places.push(place);
    this.#digests.push(digestOf(url));
    return through;
  }
}
