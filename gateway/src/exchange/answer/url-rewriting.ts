import { hash } from 'node:crypto';
import type { Attributes } from '../../domain/action.ts';
import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { pairHeaders, withoutBodyHeaders } from '../headers.ts';
import { HeldAnswer, type HeldBody, type HeldExtent } from './held-answer.ts';
import type { DirectUrls, OwnUrls } from './own-urls.ts';
import { headerOf } from '../reading.ts';
import { shortBytes, type TakeElsewhere } from '../step.ts';
import { digestOf, step, type RewrittenBody } from './url-step.ts';

/** Most bytes of an answer that is held because its body may contain addresses. A longer answer is left unchanged. */
const heldBytesMax = 4 * 1024 * 1024;

/** The headers whose addresses a client follows (RFC 9110, 10.2.2 and 8.7; RFC 8288; long-running operations of Azure; resumable uploads of Google). */
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
  /** The members of a JSON answer in which the target's API gives its own addresses. */
  readonly members: readonly string[];
  readonly direct: DirectUrls;
  /** False if values in the answer are masked after this stage: a digest of what the target sent would tell something of them. */
  readonly tellsDigests: boolean;
  readonly take: TakeElsewhere;
}

/**
 * Changes the target's own addresses in an answer so that they lead through the gateway, in the headers and members that a client follows. The record holds
 * what the client gets, and digests of the addresses that the target sent.
 */
export class UrlRewriting extends HeldAnswer {
  readonly #parts: RewritingParts;
  #places: string[] = [];
  #digests: string[] = [];
  #bodyDigest: string | null = null;
  #recordedWay: string | null = null;

  constructor(parts: RewritingParts, next: CallReceiver) {
    super(next, heldBytesMax);
    this.#parts = parts;
  }

  /** Attributes for the record of the answer's head. */
  facts(): Attributes {
    if (this.#places.length === 0) {
      return {};
    }
    const facts = { [ownAttributes.way]: this.#parts.urls.parts.way, [ownAttributes.rewrittenUrls]: this.#places };
    if (!this.#parts.tellsDigests) {
      return facts;
    }
    const body = this.#bodyDigest === null ? {} : { [ownAttributes.originalBodySha256]: this.#bodyDigest };
    return { ...facts, [ownAttributes.rewrittenUrlsSha256]: this.#digests, ...body };
  }

  override onInformation(head: AnsweredHead): void {
    super.onInformation({ ...head, rawHeaders: this.#rewriteHeaders(head.rawHeaders) });
  }

  override onHead(head: AnsweredHead): void {
    this.#recordedWay = head.way ?? null;
    super.onHead({ ...head, rawHeaders: this.#rewriteHeaders(head.rawHeaders) });
  }

  protected override isHeld({ rawHeaders }: AnsweredHead): boolean {
    return this.#parts.members.length > 0 && jsonType.test(headerOf(pairHeaders(rawHeaders), 'content-type') ?? '');
  }

  protected override judge(held: HeldBody, extent: HeldExtent): HeldBody | Promise<HeldBody> {
    if (extent !== 'whole') {
      return held;
    }
    const rewritten = this.#rewriteBody(held);
    return rewritten instanceof Promise ? rewritten.then((body) => this.#rewrittenOf(held, body)) : this.#rewrittenOf(held, rewritten);
  }

  #rewrittenOf(held: HeldBody, { body, places, digests, direct }: RewrittenBody): HeldBody {
    this.#parts.direct.add(direct);
    if (body === null) {
      return held;
    }
    this.#places = [...this.#places, ...places];
    this.#digests = [...this.#digests, ...digests];
    this.#bodyDigest = hash('sha256', held.body);
    const rawHeaders = [...withoutBodyHeaders(held.head.rawHeaders), 'content-length', String(body.length)];
    return { head: { ...held.head, rawHeaders }, body: Buffer.from(body.buffer, body.byteOffset, body.length) };
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

  #rewriteBody({ head, body }: HeldBody): RewrittenBody | Promise<RewrittenBody> {
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
